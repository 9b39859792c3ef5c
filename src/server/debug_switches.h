// The subcommands of DEBUG that turn something on or off for tests, or reach into the allocator. Engine
// thread only.
#pragma once

#include "engine/context.h"

namespace hearth::server {

void AllowInScripts(engine::Context& ctx);
void ControlAllocator(engine::Context& ctx);
void ControlAllocatorByText(engine::Context& ctx);
void DescribeClientEviction(engine::Context& ctx);
void KillClusterLink(engine::Context& ctx);
void MatchPattern(engine::Context& ctx);
void PauseCron(engine::Context& ctx);
void SetAofWriteDelay(engine::Context& ctx);
void SetLargeElementBytes(engine::Context& ctx);
void SkipChecksums(engine::Context& ctx);
void TuneReplyBuffers(engine::Context& ctx);

}  // namespace hearth::server
