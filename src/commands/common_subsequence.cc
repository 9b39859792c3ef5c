#include "commands/common_subsequence.h"

#include <algorithm>

namespace hearth::commands {
namespace {

// Fills `row`, which holds the lengths for the prefixes of `second` and the bytes of the first text so far,
// for one byte more; tells `visit(j, above_is_longer)` for every prefix of j + 1 bytes.
template <typename Visit>
void NextRow(std::vector<uint32_t>& row, char byte, std::string_view second, Visit&& visit) {
  uint32_t diagonal = 0;
  uint32_t left = 0;
  for (size_t j = 0; j < second.size(); ++j) {
    const uint32_t above = row[j + 1];
    visit(j, above > left);
    left = byte == second[j] ? diagonal + 1 : std::max(above, left);
    diagonal = above;
    row[j + 1] = left;
  }
}

}  // namespace

size_t CommonSubsequenceLength(std::string_view first, std::string_view second) {
  std::vector<uint32_t> row(second.size() + 1);
  for (char byte : first) NextRow(row, byte, second, [](size_t, bool) {});
  return row.back();
}

std::vector<CommonRun> CommonSubsequence(std::string_view first, std::string_view second) {
  std::vector<uint32_t> row(second.size() + 1);
  std::vector<bool> goes_up(first.size() * second.size());
  for (size_t i = 0; i < first.size(); ++i) {
    const size_t base = i * second.size();
    NextRow(row, first[i], second, [&](size_t j, bool above_is_longer) {
      if (above_is_longer) goes_up[base + j] = true;
    });
  }
  std::vector<CommonRun> runs;
  bool is_in_run = false;
  size_t i = first.size();
  size_t j = second.size();
  while (i > 0 && j > 0) {
    if (first[i - 1] == second[j - 1]) {
      --i, --j;
      if (!is_in_run) runs.push_back({i, j, 0});
      is_in_run = true;
      runs.back() = {i, j, runs.back().size + 1};
    } else {
      is_in_run = false;
      goes_up[(i - 1) * second.size() + j - 1] ? --i : --j;
    }
  }
  return runs;
}

}  // namespace hearth::commands
