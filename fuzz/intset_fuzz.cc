// Arbitrary bytes as an intset, and random changes beside a std::set.
#include <set>
#include <string>

#include "base/assert.h"
#include "ds/intset.h"
#include "fuzz_input.h"

namespace hearth::ds {
namespace {

std::set<int64_t> Values(IntsetView view) {
  std::set<int64_t> values;
  for (size_t i = 0; i < view.Length(); ++i) {
    values.insert(view.Get(i));
    HEARTH_ASSERT(view.Contains(view.Get(i)) && view.LowerBound(view.Get(i)) == i);
  }
  HEARTH_ASSERT(values.size() == view.Length());
  return values;
}

void RunOne(FuzzInput input) {
  const bool starts_foreign = input.Byte() % 2 == 0;
  Intset set;
  if (starts_foreign) {
    const std::string raw(input.Rest());
    ValidateIntset(raw, false);
    if (!ValidateIntset(raw, true)) return;
    set = Intset::Copy(raw);
  }
  std::set<int64_t> model = Values(set.View());
  while (!input.IsEmpty()) {
    const bool adds = input.Byte() % 2 == 0;
    const auto value = static_cast<int64_t>(input.Number());
    if (adds) {
      HEARTH_ASSERT(set.Add(value) == model.insert(value).second);
    } else {
      HEARTH_ASSERT(set.Remove(value) == (model.erase(value) == 1));
    }
  }
  HEARTH_ASSERT(ValidateIntset(set.View().Raw(), true));
  HEARTH_ASSERT(Values(set.View()) == model);
}

}  // namespace
}  // namespace hearth::ds

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  hearth::ds::RunOne(hearth::FuzzInput(data, size));
  return 0;
}
