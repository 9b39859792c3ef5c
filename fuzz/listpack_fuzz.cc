// Arbitrary bytes as a listpack: what passes validation must read the same in both directions and survive
// changes.
#include <cstdlib>
#include <string>
#include <vector>

#include "base/assert.h"
#include "ds/listpack.h"
#include "fuzz_input.h"

namespace hearth::ds {
namespace {

std::vector<std::string> Elements(ListpackView view) {
  std::vector<std::string> elements;
  for (auto at = view.First(); at != ListpackView::kNone; at = view.Next(at))
    elements.push_back(view.Get(at).ToString());
  return elements;
}

void CheckReading(ListpackView view) {
  HEARTH_ASSERT(ValidateListpack(view.Raw(), true));
  const std::vector<std::string> elements = Elements(view);
  HEARTH_ASSERT(elements.size() == view.Length());
  size_t index = elements.size();
  for (auto at = view.Last(); at != ListpackView::kNone; at = view.Previous(at)) {
    HEARTH_ASSERT(index > 0 && view.Get(at).ToString() == elements[--index]);
    HEARTH_ASSERT(view.Seek(static_cast<int64_t>(index)) == at);
    HEARTH_ASSERT(view.Equals(at, elements[index]) && view.Find(elements[index], at, 1) == at);
  }
  HEARTH_ASSERT(index == 0);
}

void Change(Listpack& pack, FuzzInput& input) {
  const uint8_t choice = input.Byte();
  const std::string_view text = input.Text();
  const auto at = pack.View().Seek(static_cast<int8_t>(input.Byte()));
  if (choice % 8 == 0) pack.Append(text);
  if (choice % 8 == 1) pack.Prepend(static_cast<int64_t>(input.Number()));
  if (choice % 8 == 2) pack.DeleteRange(static_cast<int8_t>(input.Byte()), input.Byte() % 4);
  if (at == Listpack::kNone) return;
  if (choice % 8 == 3) pack.InsertBefore(at, text);
  if (choice % 8 == 4) pack.InsertAfter(at, static_cast<int64_t>(input.Number()));
  if (choice % 8 == 5) pack.Replace(at, text);
  if (choice % 8 == 6) pack.Delete(at);
  if (choice % 8 == 7) {
    const Listpack rest = pack.SplitOff(at);
    pack.PrependAll(rest.View());
  }
}

void RunOne(FuzzInput input) {
  const bool starts_foreign = input.Byte() % 2 == 0;
  Listpack pack;
  if (starts_foreign) {
    const std::string raw(input.Rest());
    ValidateListpack(raw, false);
    if (!ValidateListpack(raw, true)) return;
    pack = Listpack::Copy(raw);
    CheckReading(pack.View());
  }
  while (!input.IsEmpty()) Change(pack, input);
  CheckReading(pack.View());
}

}  // namespace
}  // namespace hearth::ds

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  hearth::ds::RunOne(hearth::FuzzInput(data, size));
  return 0;
}
