//! What people see.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../fixture/mod.rs"]
mod fixture;

use fixture::{Console, World};

#[test]
fn look() {
    let Ok(size) = std::env::var("LOOK") else { return };
    let (w, h) = size.split_once('x').map(|(w, h)| (w.parse().unwrap(), h.parse().unwrap())).unwrap();
    let role = std::env::var("ROLE").unwrap_or("founder".into());
    let world = match std::env::var("WORLD").as_deref() {
        Ok("empty") => World::Empty,
        Ok("broken") => World::Broken,
        Ok("silent") => World::Silent,
        Ok("hostile") => World::Hostile,
        _ => World::Full,
    };
    let mut console = Console::open(&role, (w, h), world);
    console.pass(400);
    for step in std::env::var("KEYS").unwrap_or_default().split("; ") {
        match step.strip_prefix("type ") {
            Some(text) => console.type_in(text),
            None => console.keys(step),
        };
        console.pass(250);
    }
    println!("{}", console.screen());
}
