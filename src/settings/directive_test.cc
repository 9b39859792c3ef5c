#include "settings/directive.h"

#include <gtest/gtest.h>

#include "settings/settings.h"

namespace hearth::settings {

namespace {

std::string Set(Settings& settings, std::string_view name, std::vector<std::string> words) {
  const Directive* directive = FindDirective(name);
  if (directive == nullptr) return "no such directive";
  const Status status = AssignChecked(settings, *directive, words);
  return status ? directive->format(settings, *directive) : "!" + status.error().message;
}

TEST(Directives, EveryDefaultIsWhatTheTableSays) {
  const Settings settings;
  for (const Directive& directive : AllDirectives()) {
    EXPECT_EQ(directive.format(settings, directive), directive.default_text) << directive.name;
  }
}

TEST(Directives, EveryDefaultCanBeSet) {
  Settings settings;
  for (const Directive& directive : AllDirectives()) {
    if (directive.type == DirectiveType::kPrimaryAddress) continue;
    const std::string text(directive.default_text);
    const bool is_list = directive.Is(kDirectiveMultiArg);
    const Status status =
        AssignChecked(settings, directive, is_list ? SplitAtSpaces(text) : std::vector<std::string>{text});
    EXPECT_TRUE(status) << directive.name << ": " << status.error().message;
    EXPECT_TRUE(directive.is_equal(settings, Settings())) << directive.name;
  }
}

TEST(Directives, NamesAreInOrderAndFoundInAnyCase) {
  std::string_view last;
  for (const Directive& directive : AllDirectives()) {
    EXPECT_LT(last, directive.name);
    last = directive.name;
    EXPECT_EQ(FindDirective(directive.name), &directive);
    if (!directive.alias.empty()) {
      EXPECT_EQ(FindDirective(directive.alias), &directive);
    }
  }
  EXPECT_EQ(FindDirective("PORT"), FindDirective("port"));
  EXPECT_EQ(FindDirective("server-cpulist"), FindDirective("server_cpulist"));
  EXPECT_EQ(FindDirective("por"), nullptr);
}

TEST(Directives, MemoryTakesUnits) {
  Settings settings;
  EXPECT_EQ(Set(settings, "maxmemory", {"1KB"}), "1024");
  EXPECT_EQ(Set(settings, "maxmemory", {"2g"}), "2000000000");
  EXPECT_EQ(Set(settings, "maxmemory", {"18446744073709551615"}), "18446744073709551615");
  EXPECT_EQ(Set(settings, "maxmemory", {"-1"}), "!argument must be a memory value");
  EXPECT_EQ(Set(settings, "maxmemory", {"1.5gb"}), "!argument must be a memory value");
  EXPECT_EQ(Set(settings, "maxmemory", {" 1"}), "!argument must be a memory value");
  EXPECT_EQ(Set(settings, "maxmemory-clients", {"5%"}), "5%");
  EXPECT_EQ(settings.maxmemory_clients, -5);
  EXPECT_EQ(Set(settings, "maxmemory-clients", {"-5"}), "!argument must be a memory or percent value");
}

TEST(Directives, IntegersAreStrict) {
  Settings settings;
  for (const char* bad : {"", "1 ", "+1", "010", "0x1", "99999999999999999999"}) {
    EXPECT_EQ(Set(settings, "slowlog-max-len", {bad}), "!argument couldn't be parsed into an integer") << bad;
  }
  EXPECT_EQ(Set(settings, "slowlog-log-slower-than", {"-2"}),
            "!argument must be between -1 and 9223372036854775807 inclusive");
  EXPECT_EQ(Set(settings, "cluster-blacklist-ttl", {"18446744073709551615"}), "18446744073709551615");
}

TEST(Directives, SomeValuesAreBroughtIntoTheirRange) {
  Settings settings;
  EXPECT_EQ(Set(settings, "hz", {"1000"}), "500");
  EXPECT_EQ(Set(settings, "hz", {"0"}), "1");
  EXPECT_EQ(Set(settings, "repl-backlog-size", {"1"}), "16384");
}

TEST(Directives, EnumerationsIgnoreCase) {
  Settings settings;
  EXPECT_EQ(Set(settings, "maxmemory-policy", {"ALLKEYS-LRU"}), "allkeys-lru");
  EXPECT_EQ(Set(settings, "oom-score-adj", {"x"}),
            "!argument(s) must be one of the following: no, yes, relative, absolute");
  EXPECT_EQ(Set(settings, "shutdown-on-sigterm", {"NOW", "force", "save"}), "save now force");
  EXPECT_EQ(Set(settings, "shutdown-on-sigterm", {"save", "nosave"}),
            "!shutdown options SAVE and NOSAVE can't be used simultaneously");
  EXPECT_EQ(static_cast<int>(settings.shutdown_on_sigterm), 13);
}

TEST(Directives, NotifyFlagsHaveOneOrder) {
  Settings settings;
  EXPECT_EQ(Set(settings, "notify-keyspace-events", {"mgK"}), "gKm");
  EXPECT_EQ(Set(settings, "notify-keyspace-events", {"xeKEgl$shztdmn"}), "AnKEm");
  EXPECT_EQ(settings.notify_keyspace_events.bits & kNotifyNew, kNotifyNew);
}

TEST(Directives, SpecialValuesAreChecked) {
  Settings settings;
  EXPECT_EQ(Set(settings, "proc-title-template", {"{foo}"}),
            "!template format is invalid or contains unknown variables");
  EXPECT_EQ(Set(settings, "proc-title-template", {"{title} {port}"}), "{title} {port}");
  EXPECT_EQ(Set(settings, "cluster-announce-hostname", {"a b"}),
            "!Hostnames may only contain alphanumeric characters, hyphens or dots");
  EXPECT_EQ(Set(settings, "oom-score-adj-values", {"1", "2"}), "!wrong number of arguments");
  EXPECT_EQ(Set(settings, "latency-tracking-info-percentiles", {"1", "2.50", "99.99999"}), "1 2.5 99.99999");
  EXPECT_EQ(Set(settings, "bind", std::vector<std::string>(17, "::")), "!Too many bind addresses specified.");
  EXPECT_EQ(
      Set(settings, "client-output-buffer-limit", {"replica", "1kb", "2", "3", "normal", "x", "1", "1"}),
      "!Error in hard, soft or soft_seconds setting in buffer limit configuration.");
  EXPECT_EQ(settings.client_output_buffer_limit, Settings().client_output_buffer_limit);
}

}  // namespace

}  // namespace hearth::settings
