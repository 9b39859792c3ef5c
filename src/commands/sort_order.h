// The elements that SORT sorts, and their order. Made for one run of the command, on the engine thread.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <optional>
#include <string_view>
#include <vector>

namespace hearth::commands {

struct SortItem {
  std::string_view text;
  std::optional<std::string_view> weight;  // what BY found, when sorting by text
  double score = 0;                        // when sorting by number
};

struct SortOrder {
  bool is_text = false;       // ALPHA
  bool is_by_weight = false;  // BY a pattern
  bool is_descending = false;
};

// A text as SORT reads a number: spaces before it and anything after a zero byte do not count, and an empty
// text is zero. Nothing if it is none.
std::optional<double> SortScore(std::string_view text);

class SortItems {
 public:
  // Copies the text, which need not outlive the call.
  void Add(std::string_view text) { items_.push_back({Keep(text)}); }
  std::string_view Keep(std::string_view text);

  size_t size() const { return items_.size(); }
  SortItem& operator[](size_t i) { return items_[i]; }

  // Puts the items from `start` to before `end` in their places; where the others end up does not matter.
  void Sort(const SortOrder& order, size_t start, size_t end);

 private:
  std::pmr::monotonic_buffer_resource texts_;
  std::vector<SortItem> items_;
};

}  // namespace hearth::commands
