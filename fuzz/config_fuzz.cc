// Any bytes as a configuration file: loading either fails with a message or gives settings that, rewritten
// over the same file, load to the same settings again.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "settings/config_loader.h"
#include "settings/config_rewrite.h"
#include "settings/directive.h"
#include "settings/testing/memory_source.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace settings = hearth::settings;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  settings::MemorySource source;
  settings::ConfigLoader loader(source, {});
  const auto loaded = loader.LoadText(text, "fuzz.conf");
  if (!loaded) {
    HEARTH_ASSERT(!loaded.error().message.empty());
    return 0;
  }
  settings::RewriteInput input;
  input.old_text = text;
  input.included_names = &loader.included_names();
  settings::MemorySource fresh;
  settings::ConfigLoader again(fresh, {});
  HEARTH_ASSERT(
      again.LoadText(settings::RewriteConfig(loader.settings(), input), "rewritten.conf").has_value());
  for (const settings::Directive& directive : settings::AllDirectives()) {
    HEARTH_ASSERT(directive.is_equal(loader.settings(), again.settings()));
  }
  return 0;
}
