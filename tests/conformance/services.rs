//! Services answer who calls them.

use crate::world::{PATIENCE, QUIET, SERVICE, World, message};
use instanton::ros::CdrError;

pub fn services_answer(world: &dyn World) {
    let name = world.name("echo");
    let _service = world
        .here()
        .serve(
            &name,
            SERVICE,
            Box::new(|request, answer| {
                assert!(answer.is_empty());
                answer.extend_from_slice(request);
                answer.extend_from_slice(b"back");
                Ok(())
            }),
        )
        .unwrap();
    // No more than one datagram: RustDDS 0.15 garbles fragments that carry the identity of a request.
    for (count, size) in [(0, 40), (1, 1_000), (2, 60_000), (3, 8)] {
        let request = message(size, count);
        let mut expected = request.clone();
        expected.extend_from_slice(b"back");
        assert!(world.call(&name, &request, PATIENCE) == Some(expected), "{size} bytes");
    }
    assert_eq!(world.call(&world.name("nobody"), &message(40, 0), QUIET), None);
}

pub fn services_that_refuse_live_on(world: &dyn World) {
    let name = world.name("picky");
    let _service = world
        .here()
        .serve(
            &name,
            SERVICE,
            Box::new(|request, answer| {
                if request[4] != 7 {
                    return Err(CdrError::Boolean { field: "data", offset: 4, actual: request[4] });
                }
                answer.extend_from_slice(&[0, 1, 0, 0, 1, 0, 0, 0]);
                Ok(())
            }),
        )
        .unwrap();
    assert_eq!(world.call(&name, &[0, 1, 0, 0, 9, 0, 0, 0], QUIET), None);
    assert_eq!(world.call(&name, &[0, 1, 0, 0, 7, 0, 0, 0], PATIENCE), Some(vec![0, 1, 0, 0, 1, 0, 0, 0]));
}

pub fn services_end(world: &dyn World) {
    let name = world.name("brief");
    let echo = || -> instanton::ros::OnRequest {
        Box::new(|request, answer| {
            answer.extend_from_slice(request);
            Ok(())
        })
    };
    let service = world.here().serve(&name, SERVICE, echo()).unwrap();
    let request = message(40, 1);
    assert_eq!(world.call(&name, &request, PATIENCE).as_ref(), Some(&request));
    drop(service);
    assert_eq!(world.call(&name, &request, QUIET), None);
    let _again = world.here().serve(&name, SERVICE, echo()).unwrap();
    assert_eq!(world.call(&name, &request, PATIENCE).as_ref(), Some(&request));
}
