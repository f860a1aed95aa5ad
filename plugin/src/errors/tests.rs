use super::*;

#[test]
fn codes_are_read_from_both_apis() {
    for (code, class, retry) in [
        ("131047", WindowClosed, Never),
        ("470", WindowClosed, Never),
        ("131056", RateLimited, Backoff),
        ("131049", Recipient, After(DAY)),
        ("190", Unauthorised, AfterChange),
        ("200", Unauthorised, AfterChange),
        ("299", Unauthorised, AfterChange),
        ("132000", Template, Never),
        ("132069", Template, After(HOUR)),
        ("131026", Recipient, Never),
        ("131000", Temporary, Backoff),
        ("100", Invalid, Never),
        ("2388072", Template, AfterChange),
        ("999999", Unknown, Never),
        ("99999999999", Unknown, Never),
        ("soon", Unknown, Never),
    ] {
        assert_eq!(classify(Some(code)), (class, retry), "{code}");
    }
    assert_eq!(classify(None), (Unknown, Retry::Unknown));
}

#[test]
fn every_code_has_a_remedy_in_one_sentence() {
    for known in CODES {
        let remedy = known.remedy;
        assert_eq!(super::remedy(&known.code.to_string()), Some(remedy));
        assert!(remedy.starts_with(char::is_uppercase), "{remedy}");
        assert!(!remedy.ends_with('.') && !remedy.contains(". "), "{remedy}");
    }
    assert_eq!(super::remedy("999999"), None);
}

/// The reference's table, where it lies beside the project: every code has an entry, and is tried again as it says.
#[test]
fn the_table_is_the_reference_s() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../shared/reference/whatsapp-payloads.md"
    );
    let Ok(reference) = std::fs::read_to_string(path) else {
        eprintln!("skipped: no reference beside the project");
        return;
    };
    let tables = reference
        .lines()
        .skip_while(|line| !line.starts_with("# E."))
        .take_while(|line| !line.starts_with("## E.9"));
    let (mut wrong, mut codes, mut retry_column) = (Vec::new(), 0, None);
    for line in tables {
        let Some(row) = line.strip_prefix("| ") else {
            continue;
        };
        let cells: Vec<&str> = row.split(" |").map(str::trim).collect();
        if cells[0] == "code" {
            // Templates have no such column: somebody has to change them.
            retry_column = cells.iter().position(|cell| *cell == "retry");
            continue;
        }
        for code in codes_of(cells[0]) {
            codes += 1;
            let said = retry_column.map_or("fix or no", |column| cells[column]);
            match find(&code.to_string()) {
                None => wrong.push(format!("{code} is missing")),
                Some(known) if fits(known.retry, code, said) => {}
                Some(known) => wrong.push(format!("{code}: {:?}, not {said}", known.retry)),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(
        codes > 230,
        "only {codes} codes: the reference is not what it was"
    );
}

/// The codes in a cell: `2001 / 2002`, `2023–2030`; not an HTTP status in parentheses.
fn codes_of(cell: &str) -> Vec<u32> {
    let cell = cell.split('(').next().unwrap_or_default();
    cell.split(['/', ',', '→'])
        .flat_map(|part| {
            let numbers: Vec<u32> = part
                .split(|c: char| !c.is_ascii_digit())
                .filter_map(|number| number.parse().ok())
                .collect();
            match numbers[..] {
                [first, last] => (first..=last).collect(),
                _ => numbers,
            }
        })
        .collect()
}

/// Whether a retry is what the cell says: `no`, `fix`, `backoff (s)`, `later: 1 h`, `once`, `2002 backoff, else fix`.
fn fits(retry: Retry, code: u32, cell: &str) -> bool {
    let cell = cell.replace('*', "");
    let cell = match cell.split_once(", else ") {
        Some((one, rest)) => one.strip_prefix(&format!("{code} ")).unwrap_or(rest),
        None => &cell,
    };
    let word = cell
        .split(|c: char| !(c.is_alphabetic() || c == '–'))
        .next()
        .unwrap_or_default();
    match word {
        "fix" if cell.contains("or no") => matches!(retry, AfterChange | Never),
        "no" | "never" | "inspect" | "–" => retry == Never,
        "fix" => retry == AfterChange,
        "backoff" if cell.contains("≥ 1 min") => retry == After(60),
        "backoff" | "once" => retry == Backoff,
        "later" => matches!(retry, After(_)),
        _ => false,
    }
}
