// The longest common subsequence of two texts, by the table of all pairs of prefixes (Wagner and Fischer
// 1974).
//
// Of the table only two rows of lengths are kept, and one bit for each pair: which way the walk back goes.
// Where several subsequences are longest, the walk back from the ends decides: it takes equal bytes, then the
// shorter second text unless a shorter first text keeps more. Clients see that choice in LCS. Limitation:
// time is the product of the two sizes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::commands {

// A run of bytes common to both texts.
struct CommonRun {
  size_t first_start;
  size_t second_start;
  size_t size;
};

// The length alone.
size_t CommonSubsequenceLength(std::string_view first, std::string_view second);

// The runs, last ones first; their sizes add up to the length.
std::vector<CommonRun> CommonSubsequence(std::string_view first, std::string_view second);

}  // namespace hearth::commands
