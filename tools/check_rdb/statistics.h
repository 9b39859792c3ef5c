// What hearth-check-rdb learns about a file while it checks it: a sink of the loader that keeps counts and
// drops the keys.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "rdb/loader.h"

namespace hearth::check_rdb {

struct KeySize {
  uint64_t bytes = 0;  // in memory
  uint64_t elements = 0;
  int database = 0;
  std::string name;
  std::string kind;
};

class Statistics final : public rdb::LoadSink {
 public:
  // Keeps the `biggest` keys that take most memory. With `tells` it prints fields and databases as they come.
  Statistics(size_t biggest, int64_t now_ms, bool tells)
      : biggest_(biggest), now_ms_(now_ms), tells_(tells) {}

  Status OnAux(std::string_view name, std::string_view value) override;
  Status OnFunction(std::string_view code) override;
  Status OnDatabase(int index) override;
  Status OnResize(uint64_t keys, uint64_t expiring) override;
  Status OnKey(rdb::LoadedKey key) override;

  uint64_t expiring() const { return expiring_; }
  uint64_t expired() const { return expired_; }

  // Tables of everything.
  void Print() const;

 private:
  struct Kind {
    uint64_t keys = 0;
    uint64_t expiring = 0;
    uint64_t elements = 0;
    uint64_t bytes = 0;
    uint64_t largest_elements = 0;
  };

  void KeepIfBig(KeySize size);
  void PrintKinds() const;
  void PrintSizes() const;
  void PrintBiggest() const;

  const size_t biggest_;
  const int64_t now_ms_;
  const bool tells_;
  int database_ = 0;
  uint64_t functions_ = 0;
  uint64_t expiring_ = 0;
  uint64_t expired_ = 0;
  std::map<std::pair<std::string, std::string>, Kind> kinds_;  // by type and encoding
  std::map<int, uint64_t> databases_;                          // keys of each
  std::array<uint64_t, 65> sizes_{};                           // keys by the bit width of their bytes
  std::vector<KeySize> big_keys_;                              // a heap, the smallest first
};

}  // namespace hearth::check_rdb
