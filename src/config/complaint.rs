//! All that is wrong with one file, in the order of its lines.
//!
//! What must stay true: collecting never stops at the first problem, and every problem says file and line.

use crate::domain::Problem;

/// A growing list of problems of one file.
#[derive(Debug)]
pub(crate) struct Complaints {
    file: String,
    found: Vec<(usize, Problem)>,
}

impl Complaints {
    /// Nothing wrong yet with the file of that name.
    pub(crate) fn new(file: impl Into<String>) -> Self {
        Self { file: file.into(), found: Vec::new() }
    }

    /// Something is wrong on that line.
    pub(crate) fn add(&mut self, line: usize, problem: Problem) {
        let problem = problem.at(format!("{}:{line}", self.file));
        if !self.found.iter().any(|(at, p)| *at == line && *p == problem) {
            self.found.push((line, problem));
        }
    }

    /// Something is wrong in another place than the file, a variable of the environment say.
    pub(crate) fn elsewhere(&mut self, place: &str, problem: Problem) {
        self.found.push((0, problem.at(place)));
    }

    /// Takes in what another list found, apart from lines that are known to be broken.
    pub(crate) fn absorb(&mut self, other: Self, broken: &[usize]) {
        self.found.extend(other.found.into_iter().filter(|(line, _)| !broken.contains(line)));
    }

    /// Whether nothing is wrong.
    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// All of it, by line.
    pub(crate) fn into_problems(mut self) -> Vec<Problem> {
        self.found.sort_by_key(|(line, _)| *line);
        self.found.into_iter().map(|(_, problem)| problem).collect()
    }
}
