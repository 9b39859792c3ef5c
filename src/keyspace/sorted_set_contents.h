// What a sorted set consists of, apart from any key: a listpack of members and scores in turn while they are few and
// short, else a ScoreIndex. Owns it; for SortedSetValue, and for results that become a key when they are whole.
// Engine thread only.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "ds/listpack.h"
#include "keyspace/score_index.h"
#include "keyspace/types.h"
#include "settings/settings.h"

namespace hearth::keyspace {

class SortedSetContents {
 public:
  // Empty, of the encoding that will suit a first member of so many bytes and as many members as `size_hint`.
  SortedSetContents(const settings::Settings& settings, size_t first_bytes, size_t size_hint);
  // Takes over what hangs on an entry.
  static SortedSetContents Adopt(const settings::Settings& settings, Encoding encoding, void* container) {
    return SortedSetContents(settings, encoding, container);
  }
  SortedSetContents(SortedSetContents&& other) noexcept
      : settings_(other.settings_),
        encoding_(other.encoding_),
        container_(std::exchange(other.container_, nullptr)) {}
  SortedSetContents& operator=(SortedSetContents&&) = delete;
  ~SortedSetContents();

  Encoding encoding() const { return encoding_; }
  const void* container() const { return container_; }
  size_t Length() const;
  // Gives the container away.
  void* Release() { return std::exchange(container_, nullptr); }

  // Before several are added: leaves the listpack now if so many would not fit there.
  void PrepareFor(size_t added);
  // A member that is not there yet.
  void Add(std::string_view member, double score);
  // A member that is there.
  void SetScore(std::string_view member, double score);
  // False if it was not there.
  bool Remove(std::string_view member);
  // Removes `count` members from rank `start` on; there must be as many.
  void RemoveRange(size_t start, size_t count);

 private:
  SortedSetContents(const settings::Settings& settings, Encoding encoding, void* container)
      : settings_(settings), encoding_(encoding), container_(container) {}

  class PackEdit;

  bool is_pack() const { return encoding_ == Encoding::kListpack; }
  ds::ListpackView pack() const { return ds::ListpackView(static_cast<const uint8_t*>(container_)); }
  ScoreIndex& index() { return *static_cast<ScoreIndex*>(container_); }
  void FreeContainer();
  void ConvertToIndex();

  const settings::Settings& settings_;
  Encoding encoding_;
  void* container_;
};

}  // namespace hearth::keyspace
