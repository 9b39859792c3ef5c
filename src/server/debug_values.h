// The subcommands of DEBUG that show how data is kept. Each is a handler's body: it replies. Engine thread
// only.
#pragma once

#include "engine/context.h"

namespace hearth::server {

// DEBUG OBJECT key
void DescribeObject(engine::Context& ctx);
// DEBUG SDSLEN key
void DescribeText(engine::Context& ctx);
// DEBUG LISTPACK key: the elements, into the log.
void LogListpack(engine::Context& ctx);
// DEBUG QUICKLIST key [0|1]: the nodes, into the log; with 1 their elements too.
void LogQuicklist(engine::Context& ctx);
// DEBUG HTSTATS database
void DescribeTables(engine::Context& ctx);
// DEBUG HTSTATS-KEY key
void DescribeTableOf(engine::Context& ctx);
// DEBUG STRUCTSIZE
void ReplyStructureSizes(engine::Context& ctx);

}  // namespace hearth::server
