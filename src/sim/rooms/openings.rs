//! The shell of a room, from the floor to the pictures on its walls.

use super::{ceiling, structure, wall_clutter};
use crate::sim::{footprint::Footprint, layout::Layout, scene::RoomKind, shell};

/// Doors, columns, windows, beams, boards, and what hangs on walls and ceiling. Returns lamp positions.
pub(crate) fn build_shell(layout: &mut Layout, kind: RoomKind) -> Vec<[f32; 3]> {
    let height = layout.shape.size[2];
    let thickness = layout.random.range(0.1, 0.3);
    shell::build_floor_and_ceiling(&mut layout.mesh, &mut layout.random, &layout.shape);
    let (mut doors, mut windows, mut boards) = (Vec::new(), Vec::new(), Vec::new());
    let door_count = match kind {
        RoomKind::Corridor => layout.random.count(3, 8),
        RoomKind::Lobby | RoomKind::OpenOffice | RoomKind::Canteen => layout.random.count(2, 5),
        _ => layout.random.pick(&[1, 1, 2, 2, 3]),
    };
    let (paint, accent) = (layout.random.paint(), layout.random.paint());
    for _ in 0..door_count {
        let index = layout.random.count(0, layout.walls.len() - 1);
        let double = layout.random.chance(0.2);
        let width = if double { layout.random.range(1.4, 1.9) } else { layout.random.range(0.7, 1.15) };
        let top = layout.random.range(1.95, 2.3).min(height - 0.14);
        if let Some(patch) = layout.walls[index].take(&mut layout.random, width, 0.0, top, true) {
            doors.push((index, patch));
            // People walk through here.
            let wall = &layout.walls[index];
            let deep = if double { width / 2.0 } else { width } + 0.1;
            let centre = wall.point((patch.from + patch.to) / 2.0, deep / 2.0);
            layout.blocked.push(Footprint::new(centre, [width + 0.1, deep], wall.yaw));
        }
    }
    structure::build_columns(layout, paint);
    if layout.random.chance(if kind == RoomKind::Corridor || kind == RoomKind::Storage { 0.35 } else { 0.85 }) {
        // Windows sit in one or two walls, at one height.
        let low = if layout.random.chance(0.2) { 0.08 } else { layout.random.range(0.6, 1.2) };
        let high = (layout.random.range(1.9, 2.5)).min(height - 0.25);
        for _ in 0..layout.random.pick(&[1, 1, 2, 3]) {
            let index = layout.random.count(0, layout.walls.len() - 1);
            let width = layout.random.range(0.7, 2.6);
            for _ in 0..layout.random.count(1, 3) {
                if let Some(patch) = layout.walls[index].take(&mut layout.random, width, low, high, true) {
                    windows.push((index, patch));
                }
            }
        }
    }
    let board_count = match kind {
        RoomKind::Classroom | RoomKind::Meeting => layout.random.pick(&[1, 1, 1, 2, 2]),
        RoomKind::Office | RoomKind::Laboratory | RoomKind::OpenOffice => layout.random.pick(&[0, 1, 1, 2]),
        RoomKind::Corridor | RoomKind::Lobby => layout.random.pick(&[0, 1, 1, 2]),
        _ => layout.random.pick(&[0, 0, 1, 1]),
    };
    for _ in 0..board_count {
        let index = layout.random.count(0, layout.walls.len() - 1);
        let width = layout.random.range(0.8, 3.6).min(layout.walls[index].length - 0.3);
        let low = if layout.random.chance(0.1) { 0.15 } else { layout.random.range(0.75, 1.1) };
        let high = (low + layout.random.range(0.7, 1.3)).min(height - 0.1);
        let high = if low < 0.2 { height.min(2.3) - 0.1 } else { high };
        if width > 0.5
            && let Some(patch) = layout.walls[index].take(&mut layout.random, width, low, high, false)
        {
            boards.push((index, patch));
        }
    }
    let accent_wall = layout.random.count(0, 3 * layout.walls.len());
    for (index, wall) in layout.walls.iter().enumerate() {
        let material = if index == accent_wall { accent } else { paint };
        shell::build_wall(&mut layout.mesh, wall, &layout.shape, thickness, material);
    }
    for (index, patch) in doors {
        let wall = &layout.walls[index];
        let covered = shell::build_door(&mut layout.mesh, &mut layout.random, wall, patch, thickness);
        layout.blocked.extend(covered);
    }
    for (index, patch) in windows {
        shell::build_window(&mut layout.mesh, &mut layout.random, &layout.walls[index], patch, thickness);
        if layout.random.chance(0.25) {
            wall_clutter::hang_curtains(layout, index, patch);
        }
    }
    for (index, patch) in boards {
        shell::build_board(&mut layout.mesh, &mut layout.random, &layout.walls[index], patch);
    }
    let beams = structure::build_beams(layout, paint);
    let lamps = ceiling::build_lamps(layout, &beams);
    ceiling::build_services(layout, &beams);
    wall_clutter::build_wall_clutter(layout);
    lamps
}
