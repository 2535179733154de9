//! The binary: parse, run, exit.

fn main() -> std::process::ExitCode {
    trueup::cli::run()
}
