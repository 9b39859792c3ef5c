// BITFIELD and BITFIELD_RO: integers of any width inside a string.
#include <algorithm>
#include <vector>

#include "base/numbers.h"
#include "commands/bitmaps.h"
#include "ds/bitmap_integers.h"
#include "keyspace/string_value.h"

namespace hearth::commands {
namespace {

using ds::Overflow;
using engine::Context;
using engine::Entry;
using engine::Key;
using engine::Type;

struct FieldOperation {
  enum class Kind : uint8_t { kGet, kSet, kIncrement };
  Kind kind;
  ds::IntegerType type;
  Overflow overflow;
  uint64_t at;
  int64_t number;  // the value to set, or the increment
};

// "i1".."i64", "u1".."u63".
std::optional<ds::IntegerType> FieldType(Context& ctx, size_t i) {
  const std::string_view text = ctx[i];
  const bool is_signed = text.starts_with('i');
  if (is_signed || text.starts_with('u')) {
    const auto bits = ParseInt64(text.substr(1));
    if (bits && *bits >= 1 && *bits <= (is_signed ? 64 : 63)) {
      return ds::IntegerType{is_signed, static_cast<uint8_t>(*bits)};
    }
  }
  ctx.Error(
      "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.");
  return std::nullopt;
}

std::optional<Overflow> OverflowMode(Context& ctx, size_t i) {
  if (ctx.Is(i, "wrap")) return Overflow::kWrap;
  if (ctx.Is(i, "sat")) return Overflow::kSaturate;
  if (ctx.Is(i, "fail")) return Overflow::kFail;
  ctx.Error("ERR Invalid OVERFLOW type specified");
  return std::nullopt;
}

// The operation whose word is argument `i`. Replies the error if it is none.
std::optional<FieldOperation> ParseOperation(Context& ctx, size_t i, Overflow overflow) {
  using Kind = FieldOperation::Kind;
  const size_t left = ctx.size() - i - 1;
  Kind kind;
  if (ctx.Is(i, "get") && left >= 2) {
    kind = Kind::kGet;
  } else if (ctx.Is(i, "set") && left >= 3) {
    kind = Kind::kSet;
  } else if (ctx.Is(i, "incrby") && left >= 3) {
    kind = Kind::kIncrement;
  } else {
    ctx.SyntaxError();
    return std::nullopt;
  }
  const auto type = FieldType(ctx, i + 1);
  if (!type) return std::nullopt;
  const auto at = BitOffset(ctx, i + 2, type->bits);
  if (!at) return std::nullopt;
  const auto number = kind == Kind::kGet ? std::optional<int64_t>(0) : ctx.Integer(i + 3);
  if (!number) return std::nullopt;
  return FieldOperation{kind, *type, overflow, *at, *number};
}

// All operations of the command; nullopt if an error has been replied.
std::optional<std::vector<FieldOperation>> ParseOperations(Context& ctx) {
  std::vector<FieldOperation> operations;
  Overflow overflow = Overflow::kWrap;
  for (size_t i = 2; i < ctx.size();) {
    if (ctx.Is(i, "overflow") && i + 1 < ctx.size()) {
      const auto mode = OverflowMode(ctx, i + 1);
      if (!mode) return std::nullopt;
      overflow = *mode;
      i += 2;
      continue;
    }
    const auto operation = ParseOperation(ctx, i, overflow);
    if (!operation) return std::nullopt;
    operations.push_back(*operation);
    i += operation->kind == FieldOperation::Kind::kGet ? 3 : 4;
  }
  return operations;
}

void ReadFields(Context& ctx, const std::vector<FieldOperation>& operations) {
  const Entry* entry = ctx.FindForRead(ctx.key(1));
  if (!ctx.CheckType(entry, Type::kString)) return;
  keyspace::IntDigits digits;
  const std::string_view text = entry == nullptr ? std::string_view() : keyspace::StringText(*entry, digits);
  ctx.reply().Array(operations.size());
  for (const FieldOperation& operation : operations) {
    ctx.reply().Integer(ds::ReadInteger(text, operation.at, operation.type));
  }
}

// Does one operation on the string `text`, whose bytes are those of `bits`, and replies its result. True if
// it counts as a change: it wrote something else than was there, or anything at all to a string that has
// grown for it.
bool ChangeField(Context& ctx, const FieldOperation& operation, const WritableBits& bits,
                 std::string_view text) {
  const int64_t old_value = ds::ReadInteger(text, operation.at, operation.type);
  if (operation.kind == FieldOperation::Kind::kGet) {
    ctx.reply().Integer(old_value);
    return false;
  }
  const bool increments = operation.kind == FieldOperation::Kind::kIncrement;
  const ds::Sum sum = increments
                          ? ds::AddInteger(old_value, operation.number, operation.type, operation.overflow)
                          : ds::AddInteger(operation.number, 0, operation.type, operation.overflow);
  if (sum.overflows && operation.overflow == Overflow::kFail) {
    ctx.reply().Null();
    return false;
  }
  ctx.reply().Integer(increments ? sum.value : old_value);
  ds::WriteInteger(bits.bytes, operation.at, operation.type, sum.value);
  return bits.has_grown || sum.value != old_value;
}

void ChangeFields(Context& ctx, const std::vector<FieldOperation>& operations) {
  uint64_t highest = 0;
  for (const FieldOperation& operation : operations) {
    if (operation.kind == FieldOperation::Kind::kGet) continue;
    highest = std::max(highest, operation.at + operation.type.bits - 1);
  }
  const Key key = ctx.key(1);
  WritableBits bits = GrowToBit(ctx, key, highest);
  if (bits.bytes == nullptr) return;
  const std::string_view text(bits.bytes, keyspace::StringLength(*bits.handle));
  ctx.reply().Array(operations.size());
  uint64_t changes = 0;
  for (const FieldOperation& operation : operations) changes += ChangeField(ctx, operation, bits, text);
  if (changes == 0) return;
  if (!bits.has_grown) {
    bits.handle.MarkChanged(changes);
  } else if (changes > 1) {
    bits.handle.MarkChanged(changes - 1);
  }
  ctx.Notify(settings::kNotifyString, "setbit", key.text);
}

bool OnlyReads(const std::vector<FieldOperation>& operations) {
  return std::all_of(operations.begin(), operations.end(), [](const FieldOperation& operation) {
    return operation.kind == FieldOperation::Kind::kGet;
  });
}

void BitField(Context& ctx) {
  const auto operations = ParseOperations(ctx);
  if (!operations) return;
  OnlyReads(*operations) ? ReadFields(ctx, *operations) : ChangeFields(ctx, *operations);
}

void BitFieldRo(Context& ctx) {
  const auto operations = ParseOperations(ctx);
  if (!operations) return;
  if (!OnlyReads(*operations)) return ctx.Error("ERR BITFIELD_RO only supports the GET subcommand");
  ReadFields(ctx, *operations);
}

}  // namespace

void RegisterBitfields(engine::CommandTable& table) {
  table.Bind("bitfield", engine::MakeHandler<&BitField>());
  table.Bind("bitfield_ro", engine::MakeHandler<&BitFieldRo>());
}

}  // namespace hearth::commands
