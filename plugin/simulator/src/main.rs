//! The `simulator-360dialog` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    simulator_360dialog::run_command()
}
