//! What stands beside the network: the geometry plan and the search in embedding space.

use std::hint::black_box;

use instanton::engine::InstanceFusion;
use instanton::geometry::{GeometryPlan, Leaves, PlanWorkspace, SamplingWorkspace, farthest_point_sampling};
use instanton::network::Fusion;

use crate::blocks::Case;
use crate::rounds::{Contender, median, race};

/// Milliseconds of each.
pub struct Stages {
    /// Farthest-point sampling, block to first level.
    pub sampling: f64,
    /// The whole plan.
    pub plan: f64,
    /// Neighbours in embedding space, on the trained network's embeddings.
    pub search: f64,
}

/// Times the stages of ASIS on PointNet++ on its blocks.
pub fn measure(case: &Case, rounds: usize) -> Stages {
    let specification = case.architecture.plan_specification();
    let (mut workspace, mut plan) = (PlanWorkspace::default(), GeometryPlan::default());
    let (mut leaves, mut sampling, mut chosen) = (Leaves::default(), SamplingWorkspace::default(), Vec::new());
    let mut fusion = InstanceFusion::default();
    let settings = Fusion::of(&case.architecture).expect("ASIS fuses instances");
    let position = |round| &case.block(round).1.plan.levels[0].position;
    let mut contenders = [
        Contender::timed("farthest-point sampling", |round| {
            leaves.build(position(round)).expect("a block has leaves");
            let count = specification.levels[0].points;
            farthest_point_sampling(&leaves, position(round), count, &mut sampling, &mut chosen)
                .expect("enough points");
            black_box(&chosen);
        }),
        Contender::timed("whole plan", |round| {
            plan.compute(black_box(position(round)), &specification, &mut workspace).expect("a block has a plan");
        }),
        Contender::timed("search", |round| {
            let embeddings = black_box(&case.block(round).1.expected.embeddings);
            let size = case.architecture.embedding_size();
            let found = fusion.search(embeddings, size, settings.neighbours, settings.radius).expect("whole rows");
            black_box(found.count[0]);
        }),
    ];
    race(&mut contenders, 2, rounds);
    let [sampling, plan, search] = contenders.map(|contender| median(&contender.times));
    println!("## Beside the network\n\n| stage | ms |\n|---|---|");
    println!("| farthest-point sampling 4096 → 1024, leaves included | {sampling:.2} |");
    println!("| whole geometry plan | {plan:.2} |");
    println!("| neighbours in embedding space | {search:.2} |\n");
    Stages { sampling, plan, search }
}
