// Parts of a hash: random fields, and HSCAN.
#include <algorithm>
#include <vector>

#include "commands/element_reply.h"
#include "commands/hashes.h"
#include "commands/scan_options.h"
#include "engine/context.h"
#include "keyspace/hash_value.h"

namespace hearth::commands {
namespace {

using engine::Context;
using engine::Entry;
using engine::Type;
using keyspace::Element;
using keyspace::HashReader;

void HRandFieldOne(Context& ctx) {
  const Entry* entry = ctx.FindForRead(ctx.key(1));
  if (entry == nullptr) return ctx.reply().Null();
  if (!ctx.CheckType(entry, Type::kHash)) return;
  const auto pair = HashReader(*entry, ctx.keyspace()).RandomPair(ctx.random());
  if (!pair) return ctx.reply().Null();
  ReplyElement(ctx.reply(), pair->field);
}

// Fields with or without their values: RESP3 has an array for each pair, RESP2 one flat array.
class PairReply {
 public:
  PairReply(resp::Writer& reply, bool with_values, size_t count) : reply_(reply), with_values_(with_values) {
    reply.Array(with_values && reply.protocol() == 2 ? count * 2 : count);
  }
  void Add(const HashReader::Pair& pair) {
    if (with_values_ && reply_.protocol() != 2) reply_.Array(2);
    ReplyElement(reply_, pair.field);
    if (with_values_) ReplyElement(reply_, pair.value);
  }

 private:
  resp::Writer& reply_;
  const bool with_values_;
};

void ReplyRandomPairs(Context& ctx, const HashReader& hash, int64_t count, bool with_values) {
  const size_t length = hash.Length();
  if (length == 0) return ctx.reply().Array(0);
  if (count < 0) {
    const auto draws = static_cast<uint64_t>(-count);
    PairReply reply(ctx.reply(), with_values, draws);
    // A client that has been closed for its output limit must not keep the engine filling its buffer.
    hash.DrawPairs(ctx.random(), draws, [&](const HashReader::Pair& pair) {
      reply.Add(pair);
      return !ctx.client().is(engine::Client::kClosing);
    });
    return;
  }
  const size_t wanted = std::min(static_cast<size_t>(count), length);
  PairReply reply(ctx.reply(), with_values, wanted);
  if (wanted == length) {
    hash.ForEach([&](const Element& field, const Element& value) { reply.Add({field, value}); });
  } else {
    hash.DrawDistinctPairs(ctx.random(), wanted, [&](const HashReader::Pair& pair) { reply.Add(pair); });
  }
}

void HRandField(Context& ctx) {
  if (ctx.size() == 2) return HRandFieldOne(ctx);
  const auto count = ctx.IntegerIn(2, -INT64_MAX, INT64_MAX);
  if (!count) return;
  const bool with_values = ctx.size() == 4 && ctx.Is(3, "withvalues");
  if (ctx.size() > 4 || (ctx.size() == 4 && !with_values)) return ctx.SyntaxError();
  if (with_values && (*count < -INT64_MAX / 2 || *count > INT64_MAX / 2)) {
    return ctx.Error("ERR value is out of range");
  }
  const Entry* entry = ctx.FindForRead(ctx.key(1));
  if (entry == nullptr) return ctx.reply().Array(0);
  if (!ctx.CheckType(entry, Type::kHash)) return;
  if (*count == 0) return ctx.reply().Array(0);
  ReplyRandomPairs(ctx, HashReader(*entry, ctx.keyspace()), *count, with_values);
}

void ReplyCursor(resp::Writer& reply, uint64_t cursor) { reply.Bulk(std::to_string(cursor)); }

void HScan(Context& ctx) {
  auto cursor = ParseScanCursor(ctx, 2);
  if (!cursor) return;
  const Entry* entry = ctx.FindForRead(ctx.key(1));
  resp::Writer& reply = ctx.reply();
  if (entry == nullptr) {
    reply.Array(2);
    ReplyCursor(reply, 0);
    return reply.Array(0);
  }
  if (!ctx.CheckType(entry, Type::kHash)) return;
  const auto options = ParseScanOptions(ctx, 3, ScanKind::kFields);
  if (!options) return;

  // Sparse tables must not make one call long: ten steps for each element asked for are enough.
  int64_t steps = std::min(options->count, INT64_MAX / 10) * 10;
  int64_t seen = 0;
  std::vector<HashReader::Pair> found;
  do {
    cursor =
        HashReader(*entry, ctx.keyspace()).Scan(*cursor, [&](const Element& field, const Element& value) {
          ++seen;
          ds::NumberBuffer buffer;
          if (options->Matches(field.View(buffer))) found.push_back({field, value});
        });
  } while (*cursor != 0 && --steps > 0 && seen < options->count);

  reply.Array(2);
  ReplyCursor(reply, *cursor);
  reply.Array(options->without_values ? found.size() : found.size() * 2);
  for (const HashReader::Pair& pair : found) {
    ReplyElement(reply, pair.field);
    if (!options->without_values) ReplyElement(reply, pair.value);
  }
}

}  // namespace

void RegisterHashSampling(engine::CommandTable& table) {
  table.Bind("hrandfield", engine::MakeHandler<&HRandField>());
  table.Bind("hscan", engine::MakeHandler<&HScan>());
}

}  // namespace hearth::commands
