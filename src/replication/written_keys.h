// Keys by database: those that a part of the log wrote, and those that a rejoin is about.
//
// Bounded: what does not fit any more makes the set be of no use, and its owner chooses a full copy instead.
// Plain data; one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "keyspace/cut.h"

namespace hearth::replication {

class WrittenKeys final : public keyspace::CutFilter {
 public:
  static constexpr size_t kMaxKeys = 1'000'000;
  static constexpr size_t kMaxBytes = size_t{64} << 20;  // of their names
  // A piece of Encode.
  static constexpr size_t kMaxPieceBytes = size_t{64} << 10;

  explicit WrittenKeys(int database_count) : databases_(static_cast<size_t>(database_count)) {}

  // False if it does not fit, or there is no such database.
  bool Add(int database, std::string_view key);
  bool AddAll(const WrittenKeys& other);
  bool Has(int database, std::string_view key) const;
  // keyspace::CutFilter
  bool Wants(int database, std::string_view key) const override { return Has(database, key); }

  size_t size() const { return size_; }
  size_t bytes() const { return bytes_; }

  template <typename Visit>
  void ForEach(Visit&& visit) const {
    for (size_t i = 0; i < databases_.size(); ++i) {
      for (const std::string& key : databases_[i]) visit(static_cast<int>(i), std::string_view(key));
    }
  }

  // As the names of a rejoin's dataset (docs/formats/replication.md): each piece is "<database>" and then
  // " <size>:<key>" for each key.
  std::vector<std::string> Encode() const;
  // Adds the keys of a piece. False if it is none, or they do not fit.
  bool Decode(std::string_view piece);

 private:
  // Asked for by the text of an entry, without a copy.
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };

  std::vector<std::unordered_set<std::string, Hash, std::equal_to<>>> databases_;
  size_t size_ = 0;
  size_t bytes_ = 0;
};

}  // namespace hearth::replication
