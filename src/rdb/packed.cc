#include "rdb/packed.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"

namespace hearth::rdb {
namespace {

using ds::Listpack;
using ds::ListpackView;

// A listpack of as many elements may be larger than the ziplist or zipmap that it is made of, but not by more
// than a factor of three: the smallest elements there have two bytes.
constexpr size_t kMaxOldBytes = Listpack::kMaxBytes / 4;

// Walks foreign bytes; every step is checked against the end.
class Bytes {
 public:
  explicit Bytes(std::string_view raw) : raw_(raw) {}

  size_t at() const { return at_; }
  size_t left() const { return raw_.size() - at_; }
  bool Skip(size_t count) {
    if (count > left()) return false;
    at_ += count;
    return true;
  }
  bool Byte(uint8_t* byte) {
    if (left() == 0) return false;
    *byte = static_cast<uint8_t>(raw_[at_++]);
    return true;
  }
  template <typename T>
  bool Little(T* number) {
    if (left() < sizeof(T)) return false;
    *number = LoadLittle<T>(raw_.data() + at_);
    at_ += sizeof(T);
    return true;
  }
  bool Text(size_t size, std::string_view* text) {
    if (size > left()) return false;
    *text = raw_.substr(at_, size);
    at_ += size;
    return true;
  }

 private:
  std::string_view raw_;
  size_t at_ = 0;
};

// ---- ziplists: total u32 | offset of the last entry u32 | count u16 | entries | 0xff

constexpr size_t kZiplistHeaderBytes = 10;
constexpr uint8_t kOldEnd = 0xff;
constexpr uint8_t kLongSize = 254;

template <typename T>
bool AppendInteger(Bytes& bytes, Listpack* pack) {
  T number = 0;
  if (!bytes.Little(&number)) return false;
  pack->Append(static_cast<int64_t>(number));
  return true;
}

bool AppendText(Bytes& bytes, size_t size, Listpack* pack) {
  std::string_view text;
  if (!bytes.Text(size, &text)) return false;
  pack->Append(text);
  return true;
}

bool AppendInt24(Bytes& bytes, Listpack* pack) {
  std::string_view raw;
  if (!bytes.Text(3, &raw)) return false;
  uint32_t number = 0;
  for (int i = 2; i >= 0; --i) number = number << 8 | static_cast<uint8_t>(raw[static_cast<size_t>(i)]);
  pack->Append(static_cast<int64_t>(static_cast<int32_t>(number << 8) >> 8));
  return true;
}

// The encoding and data of one entry.
bool AppendZiplistEntry(Bytes& bytes, Listpack* pack) {
  uint8_t first = 0;
  if (!bytes.Byte(&first)) return false;
  switch (first >> 6) {
    case 0:
      return AppendText(bytes, first & 0x3f, pack);
    case 1: {
      uint8_t low = 0;
      return bytes.Byte(&low) && AppendText(bytes, static_cast<size_t>(first & 0x3f) << 8 | low, pack);
    }
    case 2: {
      uint32_t big = 0;
      return first == 0x80 && bytes.Little(&big) && AppendText(bytes, __builtin_bswap32(big), pack);
    }
    default:
      break;
  }
  switch (first) {
    case 0xc0:
      return AppendInteger<int16_t>(bytes, pack);
    case 0xd0:
      return AppendInteger<int32_t>(bytes, pack);
    case 0xe0:
      return AppendInteger<int64_t>(bytes, pack);
    case 0xf0:
      return AppendInt24(bytes, pack);
    case 0xfe:
      return AppendInteger<int8_t>(bytes, pack);
    default:
      break;
  }
  if (first < 0xf1 || first > 0xfd) return false;
  pack->Append(static_cast<int64_t>(first - 0xf1));
  return true;
}

// ---- zipmaps: count u8 | (size, field, size, unused bytes u8, value, unused bytes)... | 0xff

bool ReadZipmapSize(Bytes& bytes, size_t* size) {
  uint8_t first = 0;
  if (!bytes.Byte(&first) || first == kOldEnd) return false;
  *size = first;
  if (first < kLongSize) return true;
  uint32_t wide = 0;
  if (!bytes.Little(&wide)) return false;
  *size = wide;
  return true;
}

bool ReadOld(Reader& reader, bool (*convert)(std::string_view, Listpack*), std::string_view what,
             std::optional<Listpack>* pack) {
  std::string_view raw;
  if (!reader.ReadString(&raw)) return false;
  pack->emplace(raw.size() <= kMaxOldBytes ? raw.size() + Listpack::kEmptyBytes : Listpack::kEmptyBytes);
  return convert(raw, &**pack) || reader.Fail(std::string(what) + " is broken");
}

}  // namespace

bool ReadListpack(Reader& reader, std::optional<Listpack>* pack) {
  std::string_view raw;
  if (!reader.ReadString(&raw)) return false;
  if (!ds::ValidateListpack(raw, true)) return reader.Fail("a listpack is broken");
  pack->emplace(Listpack::Copy(raw));
  return true;
}

bool ReadZiplist(Reader& reader, std::optional<Listpack>* pack) {
  return ReadOld(reader, ZiplistToListpack, "a ziplist", pack);
}

bool ReadZipmap(Reader& reader, std::optional<Listpack>* pack) {
  return ReadOld(reader, ZipmapToListpack, "a zipmap", pack);
}

bool ZiplistToListpack(std::string_view raw, Listpack* pack) {
  if (raw.size() < kZiplistHeaderBytes + 1 || raw.size() > kMaxOldBytes) return false;
  if (static_cast<uint8_t>(raw.back()) != kOldEnd) return false;
  if (LoadLittle<uint32_t>(raw.data()) != raw.size()) return false;
  const size_t tail = LoadLittle<uint32_t>(raw.data() + 4);
  const size_t claimed_count = LoadLittle<uint16_t>(raw.data() + 8);
  Bytes bytes(raw.substr(0, raw.size() - 1));
  bytes.Skip(kZiplistHeaderBytes);
  size_t count = 0;
  size_t previous_start = kZiplistHeaderBytes;
  size_t previous_size = 0;
  for (; bytes.left() > 0; ++count) {
    const size_t start = bytes.at();
    uint8_t first = 0;
    uint32_t size_of_previous = 0;
    if (!bytes.Byte(&first) || first == kOldEnd) return false;
    size_of_previous = first;
    if (first == kLongSize && !bytes.Little(&size_of_previous)) return false;
    if (size_of_previous != previous_size || !AppendZiplistEntry(bytes, pack)) return false;
    previous_start = start;
    previous_size = bytes.at() - start;
  }
  return tail == previous_start && (claimed_count == UINT16_MAX || claimed_count == count);
}

bool ZipmapToListpack(std::string_view raw, Listpack* pack) {
  if (raw.size() < 2 || raw.size() > kMaxOldBytes || static_cast<uint8_t>(raw.back()) != kOldEnd)
    return false;
  const auto claimed_count = static_cast<uint8_t>(raw[0]);
  Bytes bytes(raw.substr(0, raw.size() - 1));
  bytes.Skip(1);
  size_t count = 0;
  for (; bytes.left() > 0; ++count) {
    size_t size = 0;
    uint8_t unused = 0;
    if (!ReadZipmapSize(bytes, &size) || !AppendText(bytes, size, pack)) return false;
    if (!ReadZipmapSize(bytes, &size) || !bytes.Byte(&unused) || !AppendText(bytes, size, pack)) return false;
    if (!bytes.Skip(unused)) return false;
  }
  return claimed_count >= kLongSize || claimed_count == count;
}

bool HasDuplicates(ListpackView pack, size_t stride) {
  using HashAt = std::pair<uint64_t, ListpackView::Position>;
  std::vector<HashAt> seen;
  seen.reserve(pack.Length() / stride);
  ds::NumberBuffer digits;
  for (auto at = pack.First(); at != ListpackView::kNone;) {
    seen.emplace_back(Hash(pack.Get(at).View(digits)), at);
    for (size_t i = 0; i < stride && at != ListpackView::kNone; ++i) at = pack.Next(at);
  }
  std::sort(seen.begin(), seen.end());
  const auto is_equal = [&](const HashAt& a, const HashAt& b) {
    ds::NumberBuffer other;
    return a.first == b.first && pack.Get(a.second).View(digits) == pack.Get(b.second).View(other);
  };
  return std::adjacent_find(seen.begin(), seen.end(), is_equal) != seen.end();
}

}  // namespace hearth::rdb
