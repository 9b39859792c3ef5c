#include "check_rdb/statistics.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "base/text.h"
#include "keyspace/container.h"

namespace hearth::check_rdb {
namespace {

// Of containers with more parts than this the memory is estimated.
constexpr size_t kSamples = 1000;

constexpr auto kBiggerFirst = [](const KeySize& a, const KeySize& b) { return a.bytes > b.bytes; };

}  // namespace

Status Statistics::OnAux(std::string_view name, std::string_view value) {
  if (tells_) fmt::print("[field] {} = {}\n", Quote(name), Quote(value));
  return {};
}

Status Statistics::OnFunction(std::string_view code) {
  ++functions_;
  if (tells_) fmt::print("[function library] {} bytes\n", code.size());
  return {};
}

Status Statistics::OnDatabase(int index) {
  database_ = index;
  if (tells_) fmt::print("[database] {}\n", index);
  return {};
}

Status Statistics::OnResize(uint64_t, uint64_t) { return {}; }

Status Statistics::OnKey(rdb::LoadedKey key) {
  const keyspace::Entry& entry = *key.entry;
  const bool is_string = entry.type() == keyspace::Type::kString;
  KeySize size;
  size.bytes = keyspace::EntryBytes(entry) + keyspace::ValueBytes(entry, kSamples);
  size.elements = is_string ? 1 : keyspace::ContainerSize(entry);
  size.database = database_;
  Kind& kind = kinds_[{std::string(TypeName(entry.type())), std::string(EncodingName(entry.encoding()))}];
  ++kind.keys;
  kind.elements += size.elements;
  kind.bytes += size.bytes;
  kind.largest_elements = std::max(kind.largest_elements, size.elements);
  if (entry.has_expiry()) {
    ++kind.expiring;
    ++expiring_;
    if (entry.expiry_ms() < now_ms_) ++expired_;
  }
  ++databases_[database_];
  ++sizes_[static_cast<size_t>(std::bit_width(size.bytes))];
  if (biggest_ > 0 && (big_keys_.size() < biggest_ || size.bytes > big_keys_.front().bytes)) {
    size.name = entry.key();
    size.kind = fmt::format("{} {}", TypeName(entry.type()), EncodingName(entry.encoding()));
    KeepIfBig(std::move(size));
  }
  return {};
}

void Statistics::KeepIfBig(KeySize size) {
  big_keys_.push_back(std::move(size));
  std::push_heap(big_keys_.begin(), big_keys_.end(), kBiggerFirst);
  if (big_keys_.size() <= biggest_) return;
  std::pop_heap(big_keys_.begin(), big_keys_.end(), kBiggerFirst);
  big_keys_.pop_back();
}

void Statistics::Print() const {
  for (const auto& [index, keys] : databases_) fmt::print("database {}: {} keys\n", index, keys);
  if (functions_ > 0) fmt::print("function libraries: {}\n", functions_);
  PrintKinds();
  PrintSizes();
  PrintBiggest();
}

void Statistics::PrintKinds() const {
  fmt::print("\n{:<8} {:<10} {:>12} {:>12} {:>14} {:>16} {:>14}\n", "type", "encoding", "keys", "with expiry",
             "elements", "bytes in memory", "most elements");
  for (const auto& [name, kind] : kinds_) {
    fmt::print("{:<8} {:<10} {:>12} {:>12} {:>14} {:>16} {:>14}\n", name.first, name.second, kind.keys,
               kind.expiring, kind.elements, kind.bytes, kind.largest_elements);
  }
}

void Statistics::PrintSizes() const {
  fmt::print("\n{:>24} {:>12}\n", "bytes in memory below", "keys");
  for (size_t width = 0; width < sizes_.size() - 1; ++width) {
    if (sizes_[width] > 0) fmt::print("{:>24} {:>12}\n", uint64_t{1} << width, sizes_[width]);
  }
}

void Statistics::PrintBiggest() const {
  if (big_keys_.empty()) return;
  std::vector<KeySize> keys = big_keys_;
  std::sort(keys.begin(), keys.end(), kBiggerFirst);
  fmt::print("\n{:>16} {:>12} {:>4} {:<18} key\n", "bytes in memory", "elements", "db", "kind");
  for (const KeySize& key : keys) {
    fmt::print("{:>16} {:>12} {:>4} {:<18} {}\n", key.bytes, key.elements, key.database, key.kind,
               Quote(key.name));
  }
}

}  // namespace hearth::check_rdb
