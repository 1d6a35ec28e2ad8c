//! Groups of furniture that belong together: a table with its chairs, a sofa with its low table.

use glam::vec3;

use crate::sim::{
    furniture::{Chair, ChairStyle, Person, Surrounding, Table, TableStyle},
    layout::{Layout, Place},
    library::Role,
    random::Random,
};

pub(super) fn sofa_group(layout: &mut Layout) {
    let seats = layout.random.count(1, 3);
    if let Some((sofa, place)) = layout.put_sofa(seats)
        && layout.random.chance(0.7)
    {
        layout.put_low_table(&sofa, place);
    }
}

pub(super) fn chairs_along_walls(layout: &mut Layout, most: usize) {
    let style = ChairStyle::visitor(&mut layout.random, layout.held_out);
    for _ in 0..layout.random.count(0, most) {
        let chair = layout.a_chair(style);
        if let Some(place) = layout.against_wall(chair.size(), 0.8, 0.2) {
            // Its back is at −y, towards the wall.
            layout.put_chair(&chair, place.beside(0.0, -chair.centre(), 0.0), None);
        }
    }
}

/// A table in the middle with chairs around it.
pub(super) fn centre_table(layout: &mut Layout) {
    let [width, depth, _] = layout.shape.size;
    let long = width.max(depth);
    let held_out = layout.held_out;
    let random = &mut layout.random;
    let round = random.chance(0.2);
    let size = if round {
        let d = random.range(0.9, 1.4);
        vec3(d, d, random.range(0.7, 0.77))
    } else {
        vec3(random.range(1.4, (long - 2.4).clamp(1.5, 4.2)), random.range(0.8, 1.4), random.range(0.7, 0.77))
    };
    let style = if round { TableStyle::Round } else { TableStyle::shared(random, held_out) };
    let table = Table::draw(random, style, size);
    let table = layout.or_model_table(table, Role::Table);
    let size = table.size;
    let random = &mut layout.random;
    let chair = if random.chance(0.35) { ChairStyle::Swivel } else { ChairStyle::visitor(random, held_out) };
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
            layout.load_surface(place, table.usable(), size.z, count, Surrounding::Table, &[]);
            return;
        }
    }
}

/// A laboratory bench with stools and much on it.
pub(super) fn put_bench(layout: &mut Layout) -> bool {
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
pub(super) fn rows_of_tables(layout: &mut Layout) {
    let [width, depth, _] = layout.shape.size;
    let held_out = layout.held_out;
    let random = &mut layout.random;
    let size = vec3(random.range(0.7, 1.5), random.range(0.5, 0.65), random.range(0.7, 0.76));
    let style = TableStyle::shared(random, held_out);
    let table = Table::draw(random, style, size);
    let chair_style = ChairStyle::visitor(random, held_out);
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
    let desk = Table::desk(&mut layout.random, layout.held_out);
    if let Some(place) = layout.anywhere([desk.size.x, desk.size.y], 0.4, false) {
        layout.furnish_desk(&desk, place);
    }
}

/// Islands of desks that face each other, with or without a screen between them.
pub(super) fn desk_islands(layout: &mut Layout, count: usize) {
    let held_out = layout.held_out;
    let mut table = Table::desk(&mut layout.random, held_out);
    table.size.x = table.size.x.min(1.6);
    let screen = layout.random.chance(0.5).then(|| (layout.random.fabric(), layout.random.range(1.1, 1.5)));
    let columns = layout.random.count(1, 3);
    let [width, depth] = [table.size.x, table.size.y];
    for _ in 0..count {
        let size = [columns as f32 * (width + 0.03), 2.0 * (depth + 0.04)];
        // Room for the chairs on both sides.
        let Some(place) = layout.anywhere([size[0], size[1] + 1.4], 0.05, false) else { continue };
        for column in 0..columns {
            let x = (column as f32 - (columns as f32 - 1.0) / 2.0) * (width + 0.03);
            for turn in [0.0, std::f32::consts::PI] {
                let side = if turn == 0.0 { 1.0 } else { -1.0 };
                let spot = place.beside(x, side * (depth / 2.0 + 0.035), turn);
                layout.furnish_desk(&table, spot);
            }
        }
        if let Some((cloth, height)) = screen {
            layout.put_screen(place, [size[0], 0.04], height, cloth);
        }
    }
}

/// People on their feet, talking, walking, waiting.
pub(super) fn people(layout: &mut Layout, most: usize) {
    for _ in 0..layout.random.count(0, most) {
        if layout.put_model_person() {
            continue;
        }
        let person = Person::standing(&mut layout.random);
        if person.crown() > layout.headroom - 0.05 {
            continue;
        }
        if let Some(place) = layout.anywhere(person.size(), 0.02, true) {
            layout.put_person(&person, place);
        }
    }
}
