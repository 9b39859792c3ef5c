#include "commands/sort_order.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/numbers.h"

namespace hearth::commands {
namespace {

int Compare(const SortOrder& order, const SortItem& a, const SortItem& b) {
  if (order.is_text && order.is_by_weight) {
    // What has no weight comes first.
    if (!a.weight || !b.weight) return a.weight.has_value() - b.weight.has_value();
    return a.weight->compare(*b.weight);
  }
  // Equal numbers go by their texts, so that the order does not depend on where the elements came from.
  if (!order.is_text && a.score != b.score) return a.score < b.score ? -1 : 1;
  return a.text.compare(b.text);
}

}  // namespace

std::optional<double> SortScore(std::string_view text) {
  text = text.substr(0, text.find('\0'));
  if (text.empty()) return 0;
  const size_t start = text.find_first_not_of(" \t\n\v\f\r");
  if (start == std::string_view::npos) return std::nullopt;
  const auto score = ParseDouble(text.substr(start));
  // Numbers too small for full precision have always been refused here.
  if (score && std::fpclassify(*score) == FP_SUBNORMAL) return std::nullopt;
  return score;
}

std::string_view SortItems::Keep(std::string_view text) {
  if (text.empty()) return {};
  char* copy = static_cast<char*>(texts_.allocate(text.size(), 1));
  std::memcpy(copy, text.data(), text.size());
  return {copy, text.size()};
}

void SortItems::Sort(const SortOrder& order, size_t start, size_t end) {
  const auto is_before = [&](const SortItem& a, const SortItem& b) {
    const int sign = Compare(order, a, b);
    return order.is_descending ? sign > 0 : sign < 0;
  };
  // Only by weights may different elements be equal; then the order in which they came decides.
  if (order.is_text && order.is_by_weight) {
    std::stable_sort(items_.begin(), items_.end(), is_before);
  } else if (start > 0 || end < items_.size()) {
    std::partial_sort(items_.begin(), items_.begin() + static_cast<ptrdiff_t>(end), items_.end(), is_before);
  } else {
    std::sort(items_.begin(), items_.end(), is_before);
  }
}

}  // namespace hearth::commands
