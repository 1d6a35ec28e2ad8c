//! Services answer who calls them.

use crate::world::{PATIENCE, QUIET, SERVICE, World, answer, asked, is_answer, request};
use instanton::ros::{CdrError, OnRequest};

fn echo() -> OnRequest {
    Box::new(|request, out| {
        assert!(out.is_empty());
        out.extend_from_slice(&answer(&[asked(request), b"back"].concat()));
        Ok(())
    })
}

pub fn services_answer(world: &dyn World) {
    let name = world.name("echo");
    let _service = world.here().serve(&name, SERVICE, echo()).unwrap();
    // No more than one datagram: RustDDS 0.15 garbles fragments that carry the identity of a request.
    for size in [40, 1_000, 60_000, 1, 2, 3, 4] {
        let asked: String = (0..size).map(|index| char::from(b'a' + (index % 23) as u8)).collect();
        let heard = world.call(&name, &request(&asked), PATIENCE);
        assert!(is_answer(heard, format!("{asked}back").as_bytes()), "{size} bytes");
    }
    assert_eq!(world.call(&world.name("nobody"), &request("anyone"), QUIET), None);
}

pub fn services_that_refuse_live_on(world: &dyn World) {
    let name = world.name("picky");
    let picky: OnRequest = Box::new(|request, out| {
        if asked(request) != b"please" {
            return Err(CdrError::Boolean { field: "names", offset: 4, actual: 2 });
        }
        out.extend_from_slice(&answer(b"yes"));
        Ok(())
    });
    let _service = world.here().serve(&name, SERVICE, picky).unwrap();
    assert_eq!(world.call(&name, &request("now"), QUIET), None);
    assert!(is_answer(world.call(&name, &request("please"), PATIENCE), b"yes"));
}

pub fn services_end(world: &dyn World) {
    let name = world.name("brief");
    let service = world.here().serve(&name, SERVICE, echo()).unwrap();
    assert!(is_answer(world.call(&name, &request("one"), PATIENCE), b"oneback"));
    drop(service);
    assert_eq!(world.call(&name, &request("two"), QUIET), None);
    let _again = world.here().serve(&name, SERVICE, echo()).unwrap();
    assert!(is_answer(world.call(&name, &request("three"), PATIENCE), b"threeback"));
}
