// Strings as arrays of bits: SETBIT, GETBIT, BITCOUNT, BITPOS, BITOP.
#include "commands/bitmaps.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/numbers.h"
#include "base/text.h"
#include "commands/register.h"
#include "ds/bitmap_kernels.h"
#include "keyspace/string_value.h"

namespace hearth::commands {

using engine::Context;
using engine::Entry;
using engine::Key;
using engine::Type;
using engine::WriteHandle;
using keyspace::IntDigits;
using keyspace::StringValue;

std::optional<uint64_t> BitOffset(Context& ctx, size_t i, int integer_bits) {
  std::string_view text = ctx[i];
  const bool counts_integers = integer_bits > 0 && text.starts_with('#');
  if (counts_integers) text.remove_prefix(1);
  const auto number = ParseInt64(text);
  int64_t bit = 0;
  if (number && !__builtin_mul_overflow(*number, counts_integers ? integer_bits : 1, &bit) && bit >= 0 &&
      bit / 8 < ctx.settings().proto_max_bulk_len) {
    return static_cast<uint64_t>(bit);
  }
  ctx.Error("ERR bit offset is not an integer or out of range");
  return std::nullopt;
}

WritableBits GrowToBit(Context& ctx, const Key& key, uint64_t bit) {
  WritableBits bits;
  const size_t size = bit / 8 + 1;
  bits.handle = ctx.FindForWrite(key);
  if (!bits.handle) {
    bits.handle = StringValue::Create(ctx.db(), key, size);
  } else if (!ctx.CheckType(&*bits.handle, Type::kString)) {
    return bits;
  }
  const size_t old_size = keyspace::StringLength(*bits.handle);
  bits.has_grown = size > old_size;
  StringValue value(bits.handle);
  bits.bytes = bits.has_grown ? value.Resize(size) : value.Reshape(old_size);
  return bits;
}

namespace {

// The part of a string that BITCOUNT or BITPOS is asked about, in bits, both ends included. Empty if first >
// last.
struct BitRange {
  int64_t first;
  int64_t last;
};

// Where start and end, counted from the string's end if negative, fall in a string of `size` units.
BitRange Clip(int64_t start, int64_t end, int64_t size) {
  if (start < 0) start = std::max<int64_t>(start + size, 0);
  if (end < 0) end = std::max<int64_t>(end + size, 0);
  return {start, std::min(end, size - 1)};
}

BitRange ClipToBits(int64_t start, int64_t end, bool in_bits, size_t size_bytes) {
  const int64_t size = static_cast<int64_t>(size_bytes);
  if (in_bits) return Clip(start, end, size * 8);
  const BitRange bytes = Clip(start, end, size);
  if (bytes.first > bytes.last) return {1, 0};
  return {bytes.first * 8, bytes.last * 8 + 7};
}

// Argument i as BYTE or BIT: whether it is BIT. Replies the error if it is neither.
std::optional<bool> UnitIsBit(Context& ctx, size_t i) {
  if (ctx.Is(i, "bit")) return true;
  if (ctx.Is(i, "byte")) return false;
  ctx.SyntaxError();
  return std::nullopt;
}

void SetBit(Context& ctx) {
  const auto offset = BitOffset(ctx, 2);
  if (!offset) return;
  const auto value = ctx.IntegerIn(3, 0, 1, "ERR bit is not an integer or out of range");
  if (!value) return;
  const Key key = ctx.key(1);
  WritableBits bits = GrowToBit(ctx, key, *offset);
  if (bits.bytes == nullptr) return;
  char& byte = bits.bytes[*offset / 8];
  const int mask = 0x80 >> (*offset % 8);
  const bool was_set = (byte & mask) != 0;
  if (bits.has_grown || was_set != (*value != 0)) {
    byte = static_cast<char>(*value != 0 ? byte | mask : byte & ~mask);
    if (!bits.has_grown) bits.handle.MarkChanged();
    ctx.Notify(settings::kNotifyString, "setbit", key.text);
  }
  ctx.reply().Integer(was_set);
}

void GetBit(Context& ctx) {
  const auto offset = BitOffset(ctx, 2);
  if (!offset) return;
  const Entry* entry = ctx.FindForRead(ctx.key(1));
  if (!ctx.CheckType(entry, Type::kString)) return;
  if (entry == nullptr) return ctx.reply().Integer(0);
  IntDigits digits;
  const std::string_view text = keyspace::StringText(*entry, digits);
  const size_t byte = *offset / 8;
  ctx.reply().Integer(byte < text.size() ? text[byte] >> (7 - *offset % 8) & 1 : 0);
}

void BitCount(Context& ctx) {
  const Entry* entry = ctx.FindForRead(ctx.key(1));
  if (!ctx.CheckType(entry, Type::kString)) return;
  if (entry == nullptr) return ctx.reply().Integer(0);
  IntDigits digits;
  const std::string_view text = keyspace::StringText(*entry, digits);
  if (ctx.size() == 2) return ctx.reply().Integer(static_cast<int64_t>(ds::CountOnes(text)));
  if (ctx.size() != 4 && ctx.size() != 5) return ctx.SyntaxError();
  const auto start = ctx.Integer(2);
  if (!start) return;
  const auto end = ctx.Integer(3);
  if (!end) return;
  // Redis has the answer before it looks at the unit.
  if (*start < 0 && *end < 0 && *start > *end) return ctx.reply().Integer(0);
  const auto in_bits = ctx.size() == 5 ? UnitIsBit(ctx, 4) : std::optional(false);
  if (!in_bits) return;
  const BitRange range = ClipToBits(*start, *end, *in_bits, text.size());
  if (range.first > range.last) return ctx.reply().Integer(0);
  ctx.reply().Integer(static_cast<int64_t>(
      ds::CountOnesInBits(text, static_cast<uint64_t>(range.first), static_cast<uint64_t>(range.last))));
}

void BitPos(Context& ctx) {
  const auto bit = ctx.Integer(2);
  if (!bit) return;
  if (*bit != 0 && *bit != 1) return ctx.Error("ERR The bit argument must be 1 or 0.");
  const Entry* entry = ctx.FindForRead(ctx.key(1));
  if (entry == nullptr) return ctx.reply().Integer(*bit == 1 ? -1 : 0);
  if (!ctx.CheckType(entry, Type::kString)) return;
  IntDigits digits;
  const std::string_view text = keyspace::StringText(*entry, digits);
  if (ctx.size() > 6) return ctx.SyntaxError();
  const auto start = ctx.size() > 3 ? ctx.Integer(3) : std::optional<int64_t>(0);
  if (!start) return;
  const auto in_bits = ctx.size() > 5 ? UnitIsBit(ctx, 5) : std::optional(false);
  if (!in_bits) return;
  const bool end_is_given = ctx.size() > 4;
  const auto end = end_is_given ? ctx.Integer(4) : std::optional(static_cast<int64_t>(text.size()) - 1);
  if (!end) return;
  const BitRange range = ClipToBits(*start, *end, *in_bits, text.size());
  if (range.first > range.last) return ctx.reply().Integer(-1);
  int64_t position =
      ds::FindBit(text, *bit == 1, static_cast<uint64_t>(range.first), static_cast<uint64_t>(range.last));
  // Without an end the string counts as followed by zeros.
  if (position < 0 && *bit == 0 && !end_is_given) position = static_cast<int64_t>(text.size() * 8);
  ctx.reply().Integer(position);
}

// The sources of BITOP from argument 3 on, those absent as empty strings. False if one is no string, which
// has been replied.
bool ReadSources(Context& ctx, std::vector<std::string_view>& texts, std::vector<IntDigits>& digits) {
  texts.reserve(ctx.size() - 3);
  digits.resize(ctx.size() - 3);
  for (size_t i = 3; i < ctx.size(); ++i) {
    const Entry* entry = ctx.FindForRead(ctx.key(i));
    if (!ctx.CheckType(entry, Type::kString)) return false;
    texts.push_back(entry == nullptr ? std::string_view() : keyspace::StringText(*entry, digits[i - 3]));
  }
  return true;
}

// `operation` over all texts as if each were filled with zeros to `size`, the longest one's.
void Combine(ds::BitOperation operation, const std::vector<std::string_view>& texts, char* to, size_t size) {
  texts[0].copy(to, texts[0].size());
  std::memset(to + texts[0].size(), 0, size - texts[0].size());
  // Block by block, so that a block of the result stays in the cache while all sources go over it.
  constexpr size_t kBlock = 16384;
  for (size_t at = 0; at < size; at += kBlock) {
    const size_t block = std::min(kBlock, size - at);
    for (size_t n = 1; n < texts.size(); ++n) {
      const std::string_view part = at < texts[n].size() ? texts[n].substr(at, block) : std::string_view();
      ds::CombineBits(operation, to + at, part);
      if (operation == ds::BitOperation::kAnd) std::memset(to + at + part.size(), 0, block - part.size());
    }
  }
}

void BitOp(Context& ctx) {
  const bool inverts = ctx.Is(1, "not");
  ds::BitOperation operation = ds::BitOperation::kAnd;
  if (ctx.Is(1, "or")) {
    operation = ds::BitOperation::kOr;
  } else if (ctx.Is(1, "xor")) {
    operation = ds::BitOperation::kXor;
  } else if (!inverts && !ctx.Is(1, "and")) {
    return ctx.SyntaxError();
  }
  if (inverts && ctx.size() != 4) return ctx.Error("ERR BITOP NOT must be called with a single source key.");
  std::vector<std::string_view> texts;
  std::vector<IntDigits> digits;
  if (!ReadSources(ctx, texts, digits)) return;
  size_t size = 0;
  for (std::string_view text : texts) size = std::max(size, text.size());
  const Key target = ctx.key(2);
  if (size > 0) {
    keyspace::Text* result = keyspace::Text::New(size, size);
    Combine(operation, texts, result->data(), size);
    if (inverts) ds::InvertBits(result->data(), size);
    ctx.db().SetText(target, result);
    ctx.Notify(settings::kNotifyString, "set", target.text);
  } else if (ctx.db().Remove(target)) {
    ctx.Notify(settings::kNotifyGeneric, "del", target.text);
  }
  ctx.reply().Integer(static_cast<int64_t>(size));
}

}  // namespace

void RegisterBitmaps(engine::CommandTable& table) {
  table.Bind("setbit", engine::MakeHandler<&SetBit>());
  table.Bind("getbit", engine::MakeHandler<&GetBit>());
  table.Bind("bitcount", engine::MakeHandler<&BitCount>());
  table.Bind("bitpos", engine::MakeHandler<&BitPos>());
  table.Bind("bitop", engine::MakeHandler<&BitOp>());
  RegisterBitfields(table);
}

}  // namespace hearth::commands
