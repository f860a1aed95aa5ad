use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use super::*;

const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const OTHER: &str = "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

fn store() -> (TempDir, Store, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&directory.path().join("store")).unwrap();
    let key = directory.path().join("key");
    (directory, store, key)
}

async fn keep(store: &Store, vault: &Vault) {
    let sealed = vault
        .seal("c1", "api_key", &Secret::new("marked".to_owned()))
        .unwrap();
    let kept: Result<(), StoreError> = store
        .write(move |connection| {
            connection.execute(
                "INSERT INTO channel (id, name, plugin, description, settings, state, added)
                 VALUES ('c1', 'c1', 'plugin', '{}', '{}', 'added', 0)",
                [],
            )?;
            connection.execute("INSERT INTO secret VALUES ('c1', 'api_key', ?1)", [sealed])?;
            Ok(())
        })
        .await;
    kept.unwrap();
}

fn kept(store: &Store) -> Vec<u8> {
    let sealed: Result<_, StoreError> = store.read_now(|connection| {
        Ok(connection.query_row("SELECT sealed FROM secret", [], |row| row.get(0))?)
    });
    sealed.unwrap()
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn what_was_sealed_opens_in_its_place_only() {
    let vault = Vault::with_key(KEY.as_bytes()).unwrap();
    let secret = Secret::new("märked-key".to_owned());
    let sealed = vault.seal("c1", "api_key", &secret).unwrap();
    assert_eq!(vault.open("c1", "api_key", &sealed).unwrap(), secret);
    let readable = secret.expose().as_bytes();
    assert!(
        !sealed
            .windows(4)
            .any(|window| readable.windows(4).any(|part| part == window))
    );
    assert_ne!(vault.seal("c1", "api_key", &secret).unwrap(), sealed);

    // "c1" and "api_key" in one, but another row.
    for (channel, name) in [
        ("c2", "api_key"),
        ("c1", "webhook"),
        ("c1a", "pi_key"),
        ("c", "1api_key"),
    ] {
        let error = vault.open(channel, name, &sealed).unwrap_err();
        assert!(
            matches!(error, VaultError::Closed { .. }),
            "{channel} {name}: {error}"
        );
        assert!(!error.to_string().contains("ked-key"));
    }
    let other = Vault::with_key(OTHER.as_bytes()).unwrap();
    assert!(other.open("c1", "api_key", &sealed).is_err());

    for place in 0..sealed.len() {
        let mut damaged = sealed.clone();
        damaged[place] ^= 1;
        assert!(
            vault.open("c1", "api_key", &damaged).is_err(),
            "byte {place}"
        );
        assert!(
            vault.open("c1", "api_key", &sealed[..place]).is_err(),
            "{place} bytes"
        );
    }
    let empty = vault
        .seal("c1", "api_key", &Secret::new(String::new()))
        .unwrap();
    assert_eq!(vault.open("c1", "api_key", &empty).unwrap().expose(), "");
}

#[test]
fn a_key_is_base64_or_hex_of_32_bytes() {
    let sealed = Vault::with_key(KEY.as_bytes())
        .unwrap()
        .seal("c1", "a", &Secret::new("b".to_owned()))
        .unwrap();
    let upper = KEY.to_uppercase();
    for same in [
        upper.as_str(),
        " AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\r\n",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
    ] {
        let vault = Vault::with_key(same.as_bytes()).unwrap();
        assert!(vault.open("c1", "a", &sealed).is_ok(), "{same}");
        assert_eq!(format!("{vault:?}"), "Vault");
    }
    let too_long = format!("{KEY}00");
    for none in [
        "",
        "=",
        "secret",
        &KEY[2..],
        &too_long,
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==",
    ] {
        assert!(Vault::with_key(none.as_bytes()).is_none(), "{none}");
    }
}

#[tokio::test]
async fn the_key_file_is_made_on_first_start_and_for_its_owner() {
    let (_directory, store, path) = store();
    let vault = Vault::from_file(&path, &store).await.unwrap();
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let made = fs::read_to_string(&path).unwrap();
    keep(&store, &vault).await;

    let again = Vault::from_file(&path, &store).await.unwrap();
    assert_eq!(
        again.open("c1", "api_key", &kept(&store)).unwrap().expose(),
        "marked"
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), made);
    let variable = Vault::from_environment(&made, &store).await.unwrap();
    assert!(variable.open("c1", "api_key", &kept(&store)).is_ok());

    for mode in [0o640, 0o604, 0o620] {
        chmod(&path, mode);
        let error = Vault::from_file(&path, &store).await.unwrap_err();
        assert!(matches!(error, VaultError::OpenToOthers { .. }), "{error}");
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }
    chmod(&path, 0o400);
    assert!(Vault::from_file(&path, &store).await.is_ok());
}

#[tokio::test]
async fn a_missing_or_wrong_key_is_told_at_once() {
    let (_directory, store, path) = store();
    // Nothing is sealed yet: any key will do.
    Vault::from_environment(OTHER, &store).await.unwrap();
    let vault = Vault::from_environment(KEY, &store).await.unwrap();
    keep(&store, &vault).await;

    let error = Vault::from_environment(OTHER, &store).await.unwrap_err();
    assert!(matches!(error, VaultError::WrongKey), "{error}");
    let error = Vault::from_file(&path, &store).await.unwrap_err();
    assert!(matches!(error, VaultError::Missing { .. }), "{error}");
    assert!(!path.exists());
    let error = Vault::from_environment("secret-but-no-key", &store)
        .await
        .unwrap_err();
    assert!(matches!(error, VaultError::NoKey { .. }), "{error}");
    assert!(
        !format!("{error} {error:?}").contains("secret-but"),
        "{error}"
    );
    fs::write(&path, "x").unwrap();
    chmod(&path, 0o600);
    let error = Vault::from_file(&path, &store).await.unwrap_err();
    assert!(error.to_string().contains("holds no key"), "{error}");

    Vault::from_environment(KEY, &store).await.unwrap();
}
