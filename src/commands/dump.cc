// DUMP: a key's value in the portable form that RESTORE reads.
#include "commands/register.h"
#include "engine/context.h"
#include "rdb/encode_payload.h"

namespace hearth::commands {
namespace {

using engine::Context;

void Dump(Context& ctx) {
  const engine::Entry* entry = ctx.FindForRead(ctx.key(1));
  if (entry == nullptr) return ctx.reply().Null();
  const auto compression = ctx.settings().rdbcompression ? rdb::Compression::kYes : rdb::Compression::kNo;
  ctx.reply().Bulk(rdb::EncodePayload(*entry, compression));
}

}  // namespace

void RegisterDump(engine::CommandTable& table) { table.Bind("dump", engine::MakeHandler<&Dump>()); }

}  // namespace hearth::commands
