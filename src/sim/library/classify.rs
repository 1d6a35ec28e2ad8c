//! What a model is to a room, told from its title, category and size: catalogues know no S3DIS classes.

use super::catalogue::Entry;

/// What a room does with a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Role {
    Chair,
    Table,
    LowTable,
    Sofa,
    Bookcase,
    /// Small things, on tables and shelves.
    OnTable,
    /// Loose things on the floor.
    OnFloor,
    /// Someone on their feet.
    Person,
}

const OUTDOORS: [&str; 5] = ["Exterior", "Vehicles", "Staircases", "Bathroom", "Doors and windows"];
/// Words of titles that name no loose thing of a working or living room, or that look like another role.
const NEVER: [&str; 30] = [
    "bed",
    "deck chair",
    "beach",
    "wheelchair",
    "swing",
    "lying",
    "sitting",
    "pool",
    "wall",
    "ceiling",
    "chandelier",
    "hanging",
    "pendant",
    "socket",
    "plug",
    "switch",
    "curtain",
    "carpet",
    "rug",
    "tatami",
    "futon",
    "elevator",
    "fireplace",
    "chimney",
    "escalator",
    "corner cabinet",
    "contemporary living room",
    "hut",
    "rail",
    "blind",
];

/// The role of a model; `None` if rooms have no use for it.
pub(super) fn role(entry: &Entry) -> Option<Role> {
    let title = entry.title.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| title.contains(word));
    let [width, depth, height] = entry.size;
    if OUTDOORS.contains(&entry.category.as_str()) || has(&NEVER) || entry.elevation > 0.01 {
        return None;
    }
    if entry.category == "Characters" {
        let upright = (1.2..2.1).contains(&height) && width < 1.2 && depth < 1.2;
        return upright.then_some(Role::Person);
    }
    let sits = (0.35..1.0).contains(&width) && (0.3..1.1).contains(&depth) && (0.4..1.4).contains(&height);
    if has(&["armchair", "sofa", "couch", "puff"]) {
        // What stands at a desk is a chair, however soft.
        if entry.category == "Office" {
            return sits.then_some(Role::Chair);
        }
        let fits = (0.45..3.2).contains(&width) && (0.45..2.3).contains(&depth) && (0.3..1.3).contains(&height);
        return fits.then_some(Role::Sofa);
    }
    if has(&["chair", "stool", "class seat"]) {
        return sits.then_some(Role::Chair);
    }
    let game = has(&["fan", "bat", "tablet", "tennis", "football", "changing", "dressing", "bedside", "tablecloth"]);
    if has(&["table", "desk", "workbench"]) && !has(&["lamp"]) && !game {
        let fits = (0.4..3.0).contains(&width) && (0.35..1.8).contains(&depth);
        return match height {
            0.6..1.15 if fits => Some(Role::Table),
            0.25..0.6 if fits => Some(Role::LowTable),
            _ => None,
        };
    }
    if has(&["bookcase", "shelves", "cabinet", "wardrobe", "cupboard", "dresser", "drawers", "locker"]) {
        let fits = (0.3..2.6).contains(&width) && (0.2..0.8).contains(&depth) && (0.5..2.5).contains(&height);
        return (fits && !has(&["sink", "upper"])).then_some(Role::Bookcase);
    }
    if !entry.movable {
        return None;
    }
    let largest = width.max(depth);
    match height {
        0.01..0.55 if largest < 0.55 && largest > 0.04 => Some(Role::OnTable),
        0.3..2.0 if largest < 1.3 => Some(Role::OnFloor),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_and_sizes_tell_the_role() {
        let of = |title: &str, category: &str, size: [f32; 3]| {
            let entry =
                Entry { title: title.into(), category: category.into(), size, movable: true, ..Entry::default() };
            role(&entry)
        };
        assert_eq!(of("Folding chair", "Living room", [0.5, 0.5, 0.9]), Some(Role::Chair));
        assert_eq!(of("Armchair", "Office", [0.6, 0.6, 1.05]), Some(Role::Chair));
        assert_eq!(of("Armchair", "Living room", [0.9, 0.9, 0.8]), Some(Role::Sofa));
        assert_eq!(of("Deck chair", "Living room", [0.6, 1.0, 0.9]), None);
        assert_eq!(of("Coffee table", "Living room", [1.0, 0.6, 0.4]), Some(Role::LowTable));
        assert_eq!(of("Desk lamp", "Office", [0.2, 0.2, 0.4]), Some(Role::OnTable));
        assert_eq!(of("Tablet", "Office", [0.2, 0.3, 0.02]), Some(Role::OnTable));
        assert_eq!(of("Filing cabinet", "Office", [0.5, 0.6, 1.3]), Some(Role::Bookcase));
        assert_eq!(of("Male", "Characters", [0.6, 0.4, 1.8]), Some(Role::Person));
        assert_eq!(of("Oak chair", "Exterior", [0.5, 0.5, 0.9]), None);
    }
}
