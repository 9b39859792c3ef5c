#include "replication/written_keys.h"

#include <algorithm>
#include <utility>

#include "base/numbers.h"

namespace hearth::replication {

bool WrittenKeys::Add(int database, std::string_view key) {
  if (database < 0 || static_cast<size_t>(database) >= databases_.size()) return false;
  auto& keys = databases_[static_cast<size_t>(database)];
  if (keys.contains(key)) return true;
  if (size_ >= kMaxKeys || key.size() > kMaxBytes - bytes_) return false;
  keys.emplace(key);
  ++size_;
  bytes_ += key.size();
  return true;
}

bool WrittenKeys::AddAll(const WrittenKeys& other) {
  bool fits = true;
  other.ForEach([&](int database, std::string_view key) { fits = fits && Add(database, key); });
  return fits;
}

bool WrittenKeys::Has(int database, std::string_view key) const {
  return database >= 0 && static_cast<size_t>(database) < databases_.size() &&
         databases_[static_cast<size_t>(database)].contains(key);
}

std::vector<std::string> WrittenKeys::Encode() const {
  std::vector<std::string> pieces;
  int last = -1;
  ForEach([&](int database, std::string_view key) {
    if (pieces.empty() || database != last || pieces.back().size() >= kMaxPieceBytes) {
      pieces.push_back(std::to_string(database));
      last = database;
    }
    pieces.back().append(" ").append(std::to_string(key.size())).append(":").append(key);
  });
  return pieces;
}

bool WrittenKeys::Decode(std::string_view piece) {
  const size_t blank = piece.find(' ');
  const auto database = ParseInt64(piece.substr(0, blank));
  if (!database || *database < 0 || std::cmp_greater_equal(*database, databases_.size())) return false;
  piece.remove_prefix(std::min(blank, piece.size()));
  while (!piece.empty()) {
    const size_t colon = piece.find(':');
    if (piece.front() != ' ' || colon == std::string_view::npos) return false;
    const auto size = ParseUint64(piece.substr(1, colon - 1));
    piece.remove_prefix(colon + 1);
    if (!size || *size > piece.size()) return false;
    if (!Add(static_cast<int>(*database), piece.substr(0, *size))) return false;
    piece.remove_prefix(*size);
  }
  return true;
}

}  // namespace hearth::replication
