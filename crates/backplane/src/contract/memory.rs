//! Lives.

use super::{World, enter};

pub(crate) async fn a_life_lasts(world: World) {
    let life = world.life().await.unwrap();
    enter(&world, "ann", 1).await;
    assert_eq!(world.life().await.unwrap(), life);
}
