// Parts of strings: GETRANGE, SETRANGE, APPEND, STRLEN.
#include "commands/strings.h"
#include "engine/context.h"
#include "keyspace/string_value.h"

namespace hearth::commands {
namespace {

using engine::Context;
using engine::Entry;
using engine::Key;
using engine::Type;
using engine::WriteHandle;
using keyspace::IntDigits;
using keyspace::StringValue;

// Whether a string may become so long; replies the error if not.
bool IsGoodLength(Context& ctx, uint64_t size, uint64_t more) {
  const uint64_t limit = static_cast<uint64_t>(ctx.settings().proto_max_bulk_len);
  if (more <= limit && size <= limit - more) return true;
  ctx.Error("ERR string exceeds maximum allowed size (proto-max-bulk-len)");
  return false;
}

void GetRange(Context& ctx) {
  const auto first = ctx.Integer(2);
  if (!first) return;
  const auto last = ctx.Integer(3);
  if (!last) return;
  const Entry* entry = ctx.FindForRead(ctx.key(1));
  if (!ctx.CheckType(entry, Type::kString)) return;
  if (entry == nullptr || (*first < 0 && *last < 0 && *first > *last)) return ctx.reply().Bulk("");
  IntDigits digits;
  const std::string_view text = keyspace::StringText(*entry, digits);
  const int64_t size = static_cast<int64_t>(text.size());
  const int64_t start = std::max<int64_t>(*first < 0 ? size + *first : *first, 0);
  const int64_t end = std::min(std::max<int64_t>(*last < 0 ? size + *last : *last, 0), size - 1);
  if (start > end) return ctx.reply().Bulk("");
  ctx.reply().Bulk(text.substr(static_cast<size_t>(start), static_cast<size_t>(end - start + 1)));
}

void SetRange(Context& ctx) {
  const auto offset = ctx.Integer(2);
  if (!offset) return;
  if (*offset < 0) return ctx.Error("ERR offset is out of range");
  const std::string_view text = ctx[3];
  const Key key = ctx.key(1);
  WriteHandle handle = ctx.FindForWrite(key);
  if (handle && !ctx.CheckType(&*handle, Type::kString)) return;
  if (text.empty()) {
    return ctx.reply().Integer(handle ? static_cast<int64_t>(keyspace::StringLength(*handle)) : 0);
  }
  const size_t at = static_cast<size_t>(*offset);
  if (!IsGoodLength(ctx, at, text.size())) return;
  if (!handle) handle = StringValue::Create(ctx.db(), key, at + text.size());
  const size_t size = StringValue(handle).Overwrite(at, text);
  ctx.Notify(settings::kNotifyString, "setrange", key.text);
  ctx.reply().Integer(static_cast<int64_t>(size));
}

void Append(Context& ctx) {
  const Key key = ctx.key(1);
  size_t size = ctx[2].size();
  WriteHandle handle = ctx.FindForWrite(key);
  if (handle) {
    if (!ctx.CheckType(&*handle, Type::kString)) return;
    const size_t old_size = keyspace::StringLength(*handle);
    if (!IsGoodLength(ctx, old_size, size)) return;
    StringValue(handle).Append(ctx[2]);
    size += old_size;
  } else {
    ctx.db().SetString(key, ctx[2]);
  }
  ctx.Notify(settings::kNotifyString, "append", key.text);
  ctx.reply().Integer(static_cast<int64_t>(size));
}

void StrLen(Context& ctx) {
  const Entry* entry = ctx.FindForRead(ctx.key(1));
  if (!ctx.CheckType(entry, Type::kString)) return;
  ctx.reply().Integer(entry == nullptr ? 0 : static_cast<int64_t>(keyspace::StringLength(*entry)));
}

}  // namespace

void RegisterStringRanges(engine::CommandTable& table) {
  table.Bind("getrange", engine::MakeHandler<&GetRange>());
  table.Bind("substr", engine::MakeHandler<&GetRange>());
  table.Bind("setrange", engine::MakeHandler<&SetRange>());
  table.Bind("append", engine::MakeHandler<&Append>());
  table.Bind("strlen", engine::MakeHandler<&StrLen>());
}

}  // namespace hearth::commands
