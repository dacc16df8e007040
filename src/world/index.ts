/** A procedural world: scenes with full truth, drawn as pixels and told in words. */

export type { Box } from '../data/regions.ts';
export { captionScene, mainGroup, WORLD_KINDS, type WorldCaptionKind } from './captions.ts';
export { type Claims, type GroupClaim, readClaims, type ZoneName } from './claims.ts';
export { type WorldOptions, worldDataset } from './dataset.ts';
export { LETTERS, lineDistance, lineSize } from './glyphs.ts';
export {
  groupRelations,
  relationHolds,
  type SceneGraph,
  sceneGraph,
  type Zone,
  zoneHolds,
  zoneOf,
} from './graph.ts';
export {
  type Mention,
  namesAllObjects,
  type RelationMention,
  readMentions,
  readRelations,
} from './mentions.ts';
export { SIZE_WORDS, TEXTURE_WORDS, ZONE_WORDS } from './phrases.ts';
export { HELD_RELATIONS, type HeldRelation, heldRelations, relationNamed } from './relations.ts';
export { patternShare, renderScene } from './render.ts';
export { PLAIN, type SceneOptions, sampleScene } from './sample-scene.ts';
export {
  type Attributes,
  type Background,
  boxOf,
  type Group,
  groupsOf,
  type Letters,
  parseScene,
  type Scene,
  type SceneObject,
} from './scene.ts';
export { OUTLINES, type Outline } from './shapes.ts';
export * from './vocabulary.ts';
