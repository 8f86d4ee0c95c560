/** What other layers use of the engine. */
export type { EngineOptions } from './engine.ts';
export { createLocalPolicy } from './local-policy.ts';
export type { LoraConfig, LoraOptions } from './model/lora.ts';
export { type ModelConfig, parseModelConfig, toHuggingFaceConfig } from './model/model-config.ts';
export * from './policy.ts';
export { createRemotePolicy, type RemotePolicyOptions } from './remote/remote-policy.ts';
