//! What a component's bytes say about it, read before the compiler sees them.

use wasmparser::{ComponentExternalKind, FunctionBody, Operator, Parser, Payload};

use super::error::LoadError;
use super::limits::Limits;

/// The names that a component exports, and whether each is an interface. It is refused where it, with all that is
/// nested in it, asks too much of the compiler.
pub(super) fn scan(component: &[u8], limits: &Limits) -> Result<Vec<(String, bool)>, LoadError> {
    let mut exports = Vec::new();
    let mut depth = 0_u32;
    let mut functions = 0;
    let mut widest = 0_usize;
    let mut work = 0_usize;
    for payload in Parser::new(0).parse_all(component) {
        match payload? {
            Payload::ComponentSection { .. } => depth += 1,
            Payload::ModuleSection { .. } => {
                depth += 1;
                widest = 0;
            }
            // The last one ends the component itself.
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    let export = export?;
                    let interface = export.kind == ComponentExternalKind::Instance;
                    exports.push((export.name.name.to_owned(), interface));
                }
            }
            Payload::TypeSection(section) => {
                for signature in section.into_iter_err_on_gc_types() {
                    let signature = signature?;
                    let width = signature.params().len() + signature.results().len();
                    widest = widest.max(width);
                }
            }
            Payload::CodeSectionEntry(body) => {
                functions += 1;
                let size = body.range().len();
                bound("functions", limits.functions, functions)?;
                bound("function_bytes", limits.function_bytes, size)?;
                let (locals, jumps) = count(&body)?;
                // A signature has at most a thousand values on each side.
                let carried = locals.saturating_add((size >> 10) + widest * widest / 8);
                work = carried.saturating_mul(jumps).saturating_add(work);
                bound("compile_work", limits.compile_work, work)?;
            }
            _ => {}
        }
    }
    Ok(exports)
}

fn bound(name: &'static str, limit: usize, found: usize) -> Result<(), LoadError> {
    if found > limit {
        return Err(LoadError::TooComplex { name, limit, found });
    }
    Ok(())
}

/// How many locals a function declares, and how many branches and calls it has, its start among them.
fn count(body: &FunctionBody) -> Result<(usize, usize), LoadError> {
    let mut locals = 0_usize;
    for group in body.get_locals_reader()? {
        locals = locals.saturating_add(group?.0 as usize);
    }
    let mut jumps = 1_usize;
    for operator in body.get_operators_reader()? {
        jumps += match operator? {
            Operator::BrTable { targets } => targets.len() as usize + 1,
            Operator::Block { .. }
            | Operator::Loop { .. }
            | Operator::If { .. }
            | Operator::Else
            | Operator::Br { .. }
            | Operator::BrIf { .. }
            | Operator::Return
            | Operator::Call { .. }
            | Operator::CallIndirect { .. }
            | Operator::ReturnCall { .. }
            | Operator::ReturnCallIndirect { .. } => 1,
            _ => 0,
        };
    }
    Ok((locals, jumps))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(name: &'static str, limit: usize, text: &str) -> bool {
        let mut limits = Limits::recommended();
        match name {
            "functions" => limits.functions = limit,
            "function_bytes" => limits.function_bytes = limit,
            _ => limits.compile_work = limit,
        }
        match scan(&wat::parse_str(text).unwrap(), &limits) {
            Ok(_) => false,
            Err(error @ LoadError::TooComplex { name: found, .. }) => {
                let said = error.to_string();
                assert!(
                    said.contains(&format!("`{name}` is limited to {limit}")),
                    "{said}"
                );
                found == name
            }
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn what_would_cost_the_compiler_too_much_is_refused_by_the_name_of_the_limit() {
        // Nested, and spread over modules: what counts is the whole.
        let three = "(component (core module (func)) (component (core module (func) (func))))";
        assert!(refused("functions", 2, three));
        assert!(!refused("functions", 3, three));

        // Its count of locals, a nop, its end.
        let nop = "(component (core module (func nop)))";
        assert!(refused("function_bytes", 2, nop));
        assert!(!refused("function_bytes", 3, nop));

        // Four values in a signature: two; three locals; the start, a block, a call and a table of two branches.
        let work = "(component (core module
            (type (func (param i32 i32 i32 i32)))
            (func (local i32 i64 i64) (block (call 0) (br_table 0 0 (i32.const 0))))))";
        assert!(refused("compile_work", 24, work));
        assert!(!refused("compile_work", 25, work));
    }

    #[test]
    fn small_files_that_cost_minutes_are_refused_by_the_recommended_limits() {
        let limits = Limits::recommended();
        let many = |what: &str, n| what.repeat(n);
        let locals = format!(
            "(component (core module (func (param i32) (local {}) {})))",
            many("i32 ", 20_000),
            many("(if (local.get 0) (then))", 4000)
        );
        let wide = format!(
            "(component (core module (func (param {0}) (result {0}) {1} {2})))",
            many("i32 ", 1000),
            many("(i32.const 1)", 1000),
            many("(call 0)", 1000)
        );
        for text in [locals, wide] {
            let error = scan(&wat::parse_str(text).unwrap(), &limits).unwrap_err();
            assert!(
                matches!(
                    error,
                    LoadError::TooComplex {
                        name: "compile_work",
                        ..
                    }
                ),
                "{error}"
            );
        }
    }
}
