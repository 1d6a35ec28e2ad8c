//! The kinds of rooms and what stands in each.

use glam::{Affine3A, vec3};

use super::{
    class::Class,
    footprint::Footprint,
    furniture::{Chair, ChairStyle, Clutter, Surrounding, Table, TableStyle},
    layout::{Layout, Place},
    material::Material,
    mesh::Mesh,
    random::Random,
    scene::RoomKind,
    shell::{self, Patch, Shape},
};

/// Draws the plan of a room of this kind.
pub(crate) fn draw_shape(random: &mut Random, kind: RoomKind) -> Shape {
    let (width, depth) = match kind {
        RoomKind::Office => (random.range(2.6, 6.5), random.range(2.8, 6.5)),
        RoomKind::Corridor => (random.range(2.5, 3.2), random.range(5.5, 9.0)),
        RoomKind::Meeting => (random.range(4.0, 8.0), random.range(3.6, 6.5)),
        RoomKind::Living => (random.range(3.5, 7.5), random.range(3.2, 6.5)),
        RoomKind::Laboratory => (random.range(4.0, 9.0), random.range(4.0, 8.0)),
        RoomKind::Storage => (random.range(2.5, 5.5), random.range(2.5, 6.0)),
        RoomKind::Classroom => (random.range(5.0, 9.0), random.range(5.0, 9.0)),
    };
    let (width, depth) = if random.chance(0.5) { (width, depth) } else { (depth, width) };
    let height = if random.chance(0.75) { random.range(2.4, 3.1) } else { random.range(2.2, 3.5) };
    let notch = (width.min(depth) > 3.8 && random.chance(0.2)).then(|| {
        let (nw, nd) = (width * random.range(0.25, 0.45), depth * random.range(0.25, 0.45));
        let x = if random.chance(0.5) { 0.0 } else { width - nw };
        let y = if random.chance(0.5) { 0.0 } else { depth - nd };
        // The far corner is written, not added up, so that the outline's corners compare equal.
        [[x, y], [if x == 0.0 { nw } else { width }, if y == 0.0 { nd } else { depth }]]
    });
    Shape { size: [width, depth, height], notch }
}

/// Doors, columns, windows, beams, boards, and what hangs on walls and ceiling. Returns lamp positions.
pub(crate) fn build_shell(layout: &mut Layout, kind: RoomKind) -> Vec<[f32; 3]> {
    let height = layout.shape.size[2];
    let thickness = layout.random.range(0.1, 0.3);
    shell::build_floor_and_ceiling(&mut layout.mesh, &mut layout.random, &layout.shape);
    let (mut doors, mut windows, mut boards) = (Vec::new(), Vec::new(), Vec::new());
    let door_count = match kind {
        RoomKind::Corridor => layout.random.count(2, 5),
        _ => layout.random.pick(&[1, 1, 1, 2, 2]),
    };
    for _ in 0..door_count {
        let index = layout.random.count(0, layout.walls.len() - 1);
        let double = layout.random.chance(0.15);
        let width = if double { layout.random.range(1.4, 1.9) } else { layout.random.range(0.78, 1.05) };
        let top = layout.random.range(1.98, 2.12).min(height - 0.08);
        if let Some(patch) = layout.walls[index].take(&mut layout.random, width, 0.0, top, true) {
            doors.push((index, patch));
            // People walk through here.
            let wall = &layout.walls[index];
            let deep = if double { width / 2.0 } else { width } + 0.1;
            let centre = wall.point((patch.from + patch.to) / 2.0, deep / 2.0);
            layout.blocked.push(Footprint::new(centre, [width + 0.1, deep], wall.yaw));
        }
    }
    build_columns(layout);
    if layout.random.chance(if kind == RoomKind::Corridor || kind == RoomKind::Storage { 0.35 } else { 0.85 }) {
        // Windows sit in one or two walls, at one height.
        let low = if layout.random.chance(0.12) { 0.08 } else { layout.random.range(0.8, 1.15) };
        let high = (layout.random.range(1.9, 2.5)).min(height - 0.25);
        for _ in 0..layout.random.pick(&[1, 1, 2]) {
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
        RoomKind::Office | RoomKind::Laboratory => layout.random.pick(&[0, 1, 1, 2]),
        RoomKind::Corridor => layout.random.pick(&[0, 0, 1, 2]),
        _ => layout.random.pick(&[0, 0, 0, 1]),
    };
    for _ in 0..board_count {
        let index = layout.random.count(0, layout.walls.len() - 1);
        let width = layout.random.range(0.8, 3.6).min(layout.walls[index].length - 0.3);
        let low = layout.random.range(0.78, 1.05);
        let high = low + layout.random.range(0.8, 1.25);
        if width > 0.5
            && let Some(patch) = layout.walls[index].take(&mut layout.random, width, low, high, false)
        {
            boards.push((index, patch));
        }
    }
    let (paint, accent) = (layout.random.paint(), layout.random.paint());
    let accent_wall = layout.random.count(0, 3 * layout.walls.len());
    for (index, wall) in layout.walls.iter().enumerate() {
        let material = if index == accent_wall { accent } else { paint };
        shell::build_wall(&mut layout.mesh, wall, height, thickness, material);
    }
    for (index, patch) in doors {
        let wall = &layout.walls[index];
        let covered = shell::build_door(&mut layout.mesh, &mut layout.random, wall, patch, thickness);
        layout.blocked.extend(covered);
    }
    for (index, patch) in windows {
        shell::build_window(&mut layout.mesh, &mut layout.random, &layout.walls[index], patch, thickness);
    }
    for (index, patch) in boards {
        shell::build_board(&mut layout.mesh, &mut layout.random, &layout.walls[index], patch);
    }
    let beams = build_beams(layout, paint);
    let lamps = build_lamps(layout, &beams);
    if kind != RoomKind::Storage {
        build_wall_clutter(layout);
    }
    lamps
}

fn build_columns(layout: &mut Layout) {
    let height = layout.shape.size[2];
    let count = layout.random.pick(&[0, 0, 0, 1, 1, 2]);
    let material = layout.random.paint();
    let (wide, deep) = (layout.random.range(0.25, 0.6), layout.random.range(0.15, 0.5));
    for _ in 0..count {
        if layout.random.chance(0.75) {
            let index = layout.random.count(0, layout.walls.len() - 1);
            let Some(patch) = layout.walls[index].take(&mut layout.random, wide, 0.0, height, false) else { continue };
            let wall = &layout.walls[index];
            let [x, y] = wall.point((patch.from + patch.to) / 2.0, deep / 2.0);
            let place = Place { x, y, yaw: wall.yaw };
            let footprint = place.footprint([wide, deep]);
            if layout.blocked.iter().any(|b| b.overlaps(&footprint)) {
                continue;
            }
            let id = layout.mesh.object(Class::Column, place.frame(0.0));
            layout.mesh.standing(0.0, 0.0, 0.0, vec3(wide, deep, height), material);
            layout.record(id, Class::Column, footprint.grown(-0.001));
        } else if layout.shape.area() > 16.0 {
            let round = layout.random.chance(0.4);
            let depth = if round { wide } else { deep.max(0.25) };
            let Some(place) = layout.anywhere([wide, depth], 0.7, false) else { continue };
            let id = layout.mesh.object(Class::Column, place.frame(0.0));
            if round {
                layout.mesh.cylinder(vec3(0.0, 0.0, 0.0), vec3(0.0, 0.0, height), wide / 2.0, 16, material);
            } else {
                layout.mesh.standing(0.0, 0.0, 0.0, vec3(wide, depth, height), material);
            }
            layout.record(id, Class::Column, place.footprint([wide, depth]));
        }
    }
}

/// Beams from wall to wall under the ceiling.
fn build_beams(layout: &mut Layout, paint: Material) -> Vec<Footprint> {
    let [width, depth, height] = layout.shape.size;
    let drop = layout.random.range(0.12, 0.45).min(height - 2.18);
    let count = layout.random.pick(&[0, 0, 1, 1, 2, 3]);
    let mut beams: Vec<Footprint> = Vec::new();
    if drop < 0.08 || count == 0 {
        return beams;
    }
    let along_x = layout.random.chance(0.5);
    let thick = layout.random.range(0.15, 0.4);
    let material = if layout.random.chance(0.6) { paint } else { layout.random.wood() };
    let span = if along_x { depth } else { width };
    for beam in 0..count {
        let at = if layout.random.chance(0.2) {
            thick / 2.0 + 0.001
        } else {
            span * (beam as f32 + 0.5 + layout.random.range(-0.2, 0.2)) / count as f32
        };
        let (low, high) = (at - thick / 2.0, at + thick / 2.0);
        let mut ends = [0.0, if along_x { width } else { depth }];
        if low < 0.0 || high > span {
            continue;
        }
        if let Some([l, h]) = layout.shape.notch {
            let (across, length) = if along_x { (1, 0) } else { (0, 1) };
            if low < h[across] + 0.02 && high > l[across] - 0.02 {
                ends = if l[length] == 0.0 { [h[length], ends[1]] } else { [0.0, l[length]] };
            }
        }
        let (middle, length) = ((ends[0] + ends[1]) / 2.0, ends[1] - ends[0]);
        let (centre, size) = if along_x { ([middle, at], [length, thick]) } else { ([at, middle], [thick, length]) };
        let footprint = Footprint::new(centre, size, 0.0);
        if beams.iter().any(|other| other.grown(0.3).overlaps(&footprint)) {
            continue;
        }
        layout.mesh.object(Class::Beam, Affine3A::IDENTITY);
        layout.mesh.standing(centre[0], centre[1], height - drop, vec3(size[0], size[1], drop), material);
        beams.push(footprint);
        layout.headroom = layout.headroom.min(height - drop);
    }
    beams
}

/// Lamps under the ceiling (clutter in S3DIS) and the light they give.
fn build_lamps(layout: &mut Layout, beams: &[Footprint]) -> Vec<[f32; 3]> {
    let [width, depth, height] = layout.shape.size;
    let style = layout.random.count(0, 3);
    let along_x = width > depth;
    let grid = [(width / 2.4).ceil() as usize, (depth / 2.4).ceil() as usize];
    let glow = Material::plain([1.4, 1.4, 1.3]);
    let metal = layout.random.metal();
    let mut lamps = Vec::new();
    for i in 0..grid[0] {
        for j in 0..grid[1] {
            let x = width * (i as f32 + 0.5) / grid[0] as f32;
            let y = depth * (j as f32 + 0.5) / grid[1] as f32;
            let size = match style {
                0 => [0.6, 0.6],
                1 if along_x => [1.2, 0.14],
                1 => [0.14, 1.2],
                _ => [0.3, 0.3],
            };
            let spot = Footprint::new([x, y], size, 0.0).grown(0.05);
            let inside = spot.corners().iter().all(|c| layout.shape.contains(*c));
            if !inside || beams.iter().any(|beam| beam.overlaps(&spot)) {
                continue;
            }
            // Below its own fixture, which would otherwise shade it.
            lamps.push([x, y, height - if style == 3 { 0.58 } else { 0.15 }]);
            let free = !layout.pieces.iter().any(|p| p.class == Class::Column && p.footprint.overlaps(&spot));
            if !free || layout.random.chance(0.15) {
                continue;
            }
            layout.mesh.object(Class::Clutter, Affine3A::IDENTITY);
            let mesh: &mut Mesh = &mut layout.mesh;
            match style {
                0 => mesh.standing(x, y, height - 0.03, vec3(0.6, 0.6, 0.029), glow),
                1 => {
                    mesh.standing(x, y, height - 0.09, vec3(size[0], size[1], 0.05), glow);
                    mesh.standing(x, y, height - 0.04, vec3(size[0] * 0.9, size[1] * 0.9, 0.039), metal);
                }
                2 => mesh.cylinder(vec3(x, y, height - 0.09), vec3(x, y, height - 0.001), 0.15, 14, glow),
                _ if height > 2.5 => {
                    mesh.cylinder(vec3(x, y, height - 0.35), vec3(x, y, height - 0.001), 0.008, 6, metal);
                    mesh.cone(vec3(x, y, height - 0.5), vec3(x, y, height - 0.35), [0.16, 0.05], 14, metal);
                    mesh.ellipsoid(vec3(x, y, height - 0.47), vec3(0.06, 0.06, 0.06), glow);
                }
                _ => mesh.ellipsoid(vec3(x, y, height - 0.08), vec3(0.15, 0.15, 0.079), glow),
            }
        }
    }
    lamps
}

/// Pictures, clocks, switches, radiators.
fn build_wall_clutter(layout: &mut Layout) {
    for index in 0..layout.walls.len() {
        for _ in 0..layout.random.count(0, 3) {
            let kind = layout.random.count(0, 4);
            let (width, low, high, deep) = match kind {
                0 | 1 => {
                    let (w, h) = (layout.random.range(0.25, 1.0), layout.random.range(0.25, 0.9));
                    let low = layout.random.range(1.15, 1.4);
                    (w, low, low + h, layout.random.range(0.008, 0.03))
                }
                2 => (0.085, 1.05, 1.135, 0.014),
                3 => (0.3, 1.75, 2.05, 0.04),
                _ => (layout.random.range(0.6, 1.5), 0.12, layout.random.range(0.5, 0.72), 0.09),
            };
            if high > layout.headroom - 0.02 {
                continue;
            }
            let wall = &mut layout.walls[index];
            let Some(Patch { from, to, .. }) = wall.take(&mut layout.random, width, low, high, false) else { continue };
            let (x, z) = ((from + to) / 2.0, (low + high) / 2.0);
            let frame = wall.frame();
            let footprint = {
                let centre = wall.point(x, deep / 2.0 + 0.03);
                Footprint::new(centre, [width, deep + 0.03], wall.yaw)
            };
            if kind == 4 && layout.blocked.iter().any(|b| b.overlaps(&footprint)) {
                continue;
            }
            let material = if kind < 2 { layout.random.book_cover() } else { layout.random.book_paper() };
            let rim = layout.random.metal();
            let id = layout.mesh.object(Class::Clutter, frame);
            match kind {
                3 => {
                    layout.mesh.cylinder(vec3(x, 0.002, z), vec3(x, deep, z), width / 2.0, 14, rim);
                    layout.mesh.cylinder(vec3(x, deep, z), vec3(x, deep + 0.003, z), width / 2.2, 14, material);
                }
                4 => {
                    layout.mesh.cuboid(vec3(x, deep / 2.0 + 0.03, z), vec3(width, deep * 0.6, high - low), material);
                    let ribs = (width / 0.08) as usize;
                    for rib in 0..ribs {
                        let x = from + width * (rib as f32 + 0.5) / ribs as f32;
                        let size = vec3(0.045, deep, high - low - 0.03);
                        layout.mesh.cuboid(vec3(x, deep / 2.0 + 0.03, z), size, material);
                    }
                    layout.record(id, Class::Clutter, footprint);
                }
                _ => {
                    layout.mesh.cuboid(vec3(x, deep / 2.0 + 0.002, z), vec3(width, deep, high - low), material);
                    if kind < 2 && deep > 0.015 {
                        for side in [-1.0, 1.0] {
                            let h = high - low;
                            let edge = vec3(x + side * width / 2.0, deep / 2.0 + 0.004, z);
                            layout.mesh.cuboid(edge, vec3(0.02, deep, h + 0.02), rim);
                            let edge = vec3(x, deep / 2.0 + 0.004, z + side * h / 2.0);
                            layout.mesh.cuboid(edge, vec3(width, deep, 0.02), rim);
                        }
                    }
                }
            }
        }
    }
}

/// Puts in what belongs to this kind of room. `density` scales how much, 1 = as people do.
pub(crate) fn furnish(layout: &mut Layout, kind: RoomKind, density: f32) {
    let area = layout.shape.area();
    // Some pieces find no place; asking for more gives rooms about as full as those of S3DIS.
    let many = |count: f32| (1.4 * count * density).round() as usize;
    let repeat = |layout: &mut Layout, count: usize, put: fn(&mut Layout) -> bool| {
        for _ in 0..count {
            put(layout);
        }
    };
    // What belongs in the middle comes before the space kept for the robot.
    match kind {
        RoomKind::Meeting => centre_table(layout),
        RoomKind::Living if area > 14.0 && layout.random.chance(0.7) => centre_table(layout),
        _ => {}
    }
    layout.reserve_robot_space();
    match kind {
        RoomKind::Office => {
            let desks = layout.random.range(area / 9.0, area / 3.5).clamp(1.0, 8.0);
            repeat(layout, many(desks), Layout::put_work_place);
            let cases = layout.random.count(0, 3) as f32;
            repeat(layout, many(cases), Layout::put_bookcase);
            if layout.random.chance(0.3) {
                sofa_group(layout);
            }
        }
        RoomKind::Corridor => {
            if layout.random.chance(0.4) {
                repeat(layout, 2, Layout::put_bookcase);
            }
            if layout.random.chance(0.35) {
                sofa_group(layout);
            }
            chairs_along_walls(layout, 6);
            if layout.random.chance(0.3) {
                repeat(layout, 1, put_bench);
            }
        }
        RoomKind::Meeting => {
            let cases = layout.random.count(0, 2) as f32;
            repeat(layout, many(cases), Layout::put_bookcase);
            if layout.random.chance(0.25) {
                sofa_group(layout);
            }
            chairs_along_walls(layout, 5);
        }
        RoomKind::Living => {
            sofa_group(layout);
            if layout.random.chance(0.6) {
                sofa_group(layout);
            }
            chairs_along_walls(layout, 2);
            let cases = layout.random.count(1, 3) as f32;
            repeat(layout, many(cases), Layout::put_bookcase);
            if layout.random.chance(0.3) {
                repeat(layout, 1, Layout::put_work_place);
            }
        }
        RoomKind::Laboratory => {
            let benches = (area / 5.0).clamp(2.0, 9.0);
            repeat(layout, many(benches), put_bench);
            let cases = layout.random.count(1, 3) as f32;
            repeat(layout, many(cases), Layout::put_bookcase);
            repeat(layout, many(1.0), Layout::put_work_place);
        }
        RoomKind::Storage => {
            let cases = (area / 2.5).clamp(3.0, 9.0);
            repeat(layout, many(cases), Layout::put_bookcase);
            for _ in 0..many(5.0) {
                let boxes = Clutter::boxes(&mut layout.random);
                layout.put_on_floor(&boxes);
            }
            repeat(layout, many(1.0), put_bench);
        }
        RoomKind::Classroom => {
            rows_of_tables(layout);
            let cases = layout.random.count(0, 2) as f32;
            repeat(layout, many(cases), Layout::put_bookcase);
        }
    }
    let loose = layout.random.range(1.0, 3.0 + area / 6.0);
    layout.put_floor_clutter(many(loose));
}

fn sofa_group(layout: &mut Layout) {
    let seats = layout.random.count(1, 3);
    if let Some((sofa, place)) = layout.put_sofa(seats)
        && layout.random.chance(0.7)
    {
        layout.put_low_table(&sofa, place);
    }
}

fn chairs_along_walls(layout: &mut Layout, most: usize) {
    let style = layout.random.pick(&[ChairStyle::FourLegs, ChairStyle::Sled]);
    for _ in 0..layout.random.count(0, most) {
        let chair = layout.a_chair(style);
        if let Some(place) = layout.against_wall(chair.size(), 0.8, 0.2) {
            // Its back is at −y, towards the wall.
            layout.put_chair(&chair, place.beside(0.0, -chair.centre(), 0.0), None);
        }
    }
}

/// A table in the middle with chairs around it.
fn centre_table(layout: &mut Layout) {
    let [width, depth, _] = layout.shape.size;
    let long = width.max(depth);
    let random = &mut layout.random;
    let round = random.chance(0.2);
    let size = if round {
        let d = random.range(0.9, 1.4);
        vec3(d, d, random.range(0.7, 0.77))
    } else {
        vec3(random.range(1.4, (long - 2.4).clamp(1.5, 4.2)), random.range(0.8, 1.4), random.range(0.7, 0.77))
    };
    let style =
        if round { TableStyle::Round } else { random.pick(&[TableStyle::Legs, TableStyle::Panels, TableStyle::TFeet]) };
    let table = Table::draw(random, style, size);
    let chair = random.pick(&[ChairStyle::FourLegs, ChairStyle::Swivel, ChairStyle::Sled, ChairStyle::FourLegs]);
    let quarter = if (width > depth) != random.chance(0.1) { 0.0 } else { std::f32::consts::FRAC_PI_2 };
    let offset = |random: &mut Random| random.range(-0.15, 0.15);
    for _ in 0..12 {
        let (x, y) = (width * (0.5 + offset(&mut layout.random)), depth * (0.5 + offset(&mut layout.random)));
        let place = Place { x, y, yaw: quarter + layout.random.range(-0.04, 0.04) };
        if layout.is_free(&place.footprint([size.x, size.y]).grown(0.55), None) {
            let index = layout.put_table(&table, place);
            let sides: &[usize] = if table.style == TableStyle::Panels { &[0, 2] } else { &[0, 1, 2, 3] };
            layout.seats_around(&table, place, index, sides, chair);
            let count = layout.random.count(0, 7);
            let shrink = if round { 0.34 } else { 0.5 };
            layout.load_surface(place, [size.x * shrink, size.y * shrink], size.z, count, Surrounding::Table, &[]);
            return;
        }
    }
}

/// A laboratory bench with stools and much on it.
fn put_bench(layout: &mut Layout) -> bool {
    let random = &mut layout.random;
    let size = vec3(random.range(1.4, 3.0), random.range(0.6, 0.9), random.range(0.74, 0.95));
    let style = random.pick(&[TableStyle::Legs, TableStyle::Panels, TableStyle::Drawers(1.0)]);
    let table = Table::draw(random, style, size);
    let place = match layout.against_wall([size.x, size.y], size.z, 0.6) {
        Some(place) => place,
        None => match layout.anywhere([size.x, size.y], 0.5, false) {
            Some(place) => place,
            None => return false,
        },
    };
    let index = layout.put_table(&table, place);
    let style = layout.random.pick(&[ChairStyle::Stool, ChairStyle::Stool, ChairStyle::Swivel]);
    let (from, to) = table.knee_space();
    for _ in 0..layout.random.count(0, 3) {
        let x = layout.random.range(from + 0.25, to - 0.25);
        layout.seat_at(&table, place, index, x, style);
    }
    let count = layout.random.count(2, 9);
    layout.load_surface(place, [size.x / 2.0, size.y / 2.0], size.z, count, Surrounding::Desk, &[]);
    true
}

/// Rows of tables, all facing one way, one or two chairs each.
fn rows_of_tables(layout: &mut Layout) {
    let [width, depth, _] = layout.shape.size;
    let random = &mut layout.random;
    let size = vec3(random.range(0.7, 1.5), random.range(0.5, 0.65), random.range(0.7, 0.76));
    let style = random.pick(&[TableStyle::Legs, TableStyle::TFeet, TableStyle::Panels]);
    let table = Table::draw(random, style, size);
    let chair_style = random.pick(&[ChairStyle::FourLegs, ChairStyle::Sled]);
    layout.house_chair = Some(Chair::draw(random, chair_style));
    let quarter = random.count(0, 3);
    let yaw = std::f32::consts::FRAC_PI_2 * quarter as f32;
    let (row_step, column_step) = (random.range(1.45, 1.85), size.x + random.range(0.08, 0.6));
    let (across, along) = if quarter.is_multiple_of(2) { (width, depth) } else { (depth, width) };
    let rows = ((along - 1.8) / row_step).floor().max(0.0) as usize;
    let columns = ((across - 0.8) / column_step).floor().max(0.0) as usize;
    let centre = Place { x: width / 2.0, y: depth / 2.0, yaw };
    for row in 0..rows {
        for column in 0..columns {
            let x = (column as f32 - (columns as f32 - 1.0) / 2.0) * column_step;
            let y = (row as f32 - (rows as f32 - 1.0) / 2.0) * row_step;
            let turn = layout.random.range(-0.05, 0.05);
            let place = centre.beside(x, y, turn);
            if layout.random.chance(0.08) || !layout.is_free(&place.footprint([size.x, size.y]), None) {
                continue;
            }
            let index = layout.put_table(&table, place);
            let seats: &[f32] = if size.x > 1.15 { &[-0.25, 0.25] } else { &[0.0] };
            for seat in seats {
                if layout.random.chance(0.85) {
                    layout.seat_at(&table, place, index, seat * size.x, chair_style);
                }
            }
            if layout.random.chance(0.3) {
                layout.load_surface(place, [size.x / 2.0, size.y / 2.0], size.z, 2, Surrounding::Table, &[]);
            }
        }
    }
    let desk = Table::desk(&mut layout.random);
    if let Some(place) = layout.anywhere([desk.size.x, desk.size.y], 0.4, false) {
        layout.furnish_desk(&desk, place);
    }
}
