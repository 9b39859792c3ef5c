#include "settings/config_loader.h"

#include <gtest/gtest.h>

#include "settings/testing/memory_source.h"

namespace hearth::settings {

namespace {

class ConfigLoaderTest : public testing::Test {
 protected:
  // The error's text, or "OK".
  std::string Load(std::string_view text) {
    ConfigLoader loader(source_, options_);
    Status status = loader.LoadText(text, "x.conf");
    if (status) status = loader.Finish();
    settings_ = loader.settings();
    warnings_ = loader.warnings();
    return status ? "OK" : status.error().message;
  }
  // The reason alone, the last line of the error's text.
  std::string Reason(std::string_view text) {
    const std::string error = Load(text);
    return error.substr(error.rfind('\n') + 1);
  }

  MemorySource source_;
  LoadOptions options_;
  Settings settings_;
  std::vector<std::string> warnings_;
};

TEST_F(ConfigLoaderTest, ErrorNamesFileLineAndReason) {
  EXPECT_EQ(Load("# hi\n\n  port   99999  \n"),
            "Reading the configuration file, at line 3 of x.conf\n>>> 'port   99999'\n"
            "argument must be between 0 and 65535 inclusive");
}

TEST_F(ConfigLoaderTest, ReadsCommentsQuotesAndAnyCase) {
  EXPECT_EQ(Load("#a\r\n\r\nPORT 5\r\nmasterauth \"a \\x41\"\n\tpidfile 'it\\'s'\nrequirepass \"\""), "OK");
  EXPECT_EQ(settings_.port, 5);
  EXPECT_EQ(settings_.primary_auth, "a A");
  EXPECT_EQ(settings_.pidfile, "it's");
}

TEST_F(ConfigLoaderTest, AcceptsOldAndNewNames) {
  EXPECT_EQ(
      Load("slave-priority 3\nhash-max-ziplist-entries 4\nlua-time-limit 5\nprimaryauth x\nslaveof h 1\n"),
      "OK");
  EXPECT_EQ(settings_.replica_priority, 3);
  EXPECT_EQ(settings_.hash_max_listpack_entries, 4);
  EXPECT_EQ(settings_.busy_reply_threshold, 5);
  EXPECT_EQ(settings_.primary_auth, "x");
  EXPECT_EQ(settings_.primary_address, (PrimaryAddress{"h", 1}));
}

TEST_F(ConfigLoaderTest, RefusesBadLines) {
  EXPECT_EQ(Reason("port \"1\n"), "Unbalanced quotes in configuration line");
  EXPECT_EQ(Reason("foo bar"), "Bad directive or wrong number of arguments");
  EXPECT_EQ(Reason("port"), "wrong number of arguments");
  EXPECT_EQ(Reason("port 1 2"), "wrong number of arguments");
  EXPECT_EQ(Reason("maxmemory 12zz"), "argument must be a memory value");
  EXPECT_EQ(Reason("maxmemory-clients 101%"), "percentage argument must be less or equal to 100");
  EXPECT_EQ(Reason("unixsocketperm 999"), "argument couldn't be parsed as an octal number");
  EXPECT_EQ(Reason("unixsocketperm 1000"), "argument must be between 0 and 777 inclusive");
  EXPECT_EQ(Reason("save 900"), "Invalid save parameters");
  EXPECT_EQ(Reason("replicaof a b"), "Invalid master port");
  EXPECT_EQ(Reason("dir /nowhere"), "No such file or directory");
  EXPECT_EQ(Reason("notify-keyspace-events Q"), "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
  EXPECT_EQ(Reason("cluster-enabled yes\nreplicaof a 1"), "replicaof directive not allowed in cluster mode");
  EXPECT_EQ(Reason("sentinel monitor a 1 2 3"), "sentinel directive while not in sentinel mode");
  EXPECT_EQ(Reason("latency-tracking-info-percentiles 101"),
            "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]");
  EXPECT_EQ(
      Reason("user a on\nuser a off"),
      "Error in user declaration 'a': Duplicate user found. A user can only be defined once in config files");
}

TEST_F(ConfigLoaderTest, SaveLinesReplaceTheDefaultThenAdd) {
  EXPECT_EQ(Load("timeout 0"), "OK");
  EXPECT_EQ(settings_.save_points.size(), 3u);
  EXPECT_EQ(Load("save 1 2\nsave 3 4 5 6\n"), "OK");
  EXPECT_EQ(settings_.save_points, (std::vector<SavePoint>{{1, 2}, {3, 4}, {5, 6}}));
  EXPECT_EQ(Load("save 1 2\nsave \"\"\nsave 3 4\n"), "OK");
  EXPECT_EQ(settings_.save_points, (std::vector<SavePoint>{{3, 4}}));
}

TEST_F(ConfigLoaderTest, ListsMayStandInOneQuotedWord) {
  EXPECT_EQ(Load("save \"1 2 3 4\"\nshutdown-on-sigint \"save now\"\n"), "OK");
  EXPECT_EQ(settings_.save_points, (std::vector<SavePoint>{{1, 2}, {3, 4}}));
  EXPECT_EQ(static_cast<int>(settings_.shutdown_on_sigint), 5);
}

TEST_F(ConfigLoaderTest, OutputBufferLimitsOfOneClassLeaveTheOthers) {
  EXPECT_EQ(Load("client-output-buffer-limit replica 1kb 2 3\nclient-output-buffer-limit normal 4 5 6\n"),
            "OK");
  EXPECT_EQ(settings_.client_output_buffer_limit[0], (OutputBufferLimit{4, 5, 6}));
  EXPECT_EQ(settings_.client_output_buffer_limit[1], (OutputBufferLimit{1024, 2, 3}));
  EXPECT_EQ(settings_.client_output_buffer_limit[2], (OutputBufferLimit{33554432, 8388608, 60}));
}

TEST_F(ConfigLoaderTest, IncludesFilesAndPatterns) {
  source_.files = {{"a", "port 1\ninclude b\nhz 33\n"},
                   {"b", "timeout 7\n"},
                   {"c1", "databases 4\n"},
                   {"c2", "databases 5\n"}};
  EXPECT_EQ(Load("include a\ninclude nothing-*\ninclude c*\nport 2\n"), "OK");
  EXPECT_EQ(settings_.port, 2);
  EXPECT_EQ(settings_.timeout, 7);
  EXPECT_EQ(settings_.hz, 33);
  EXPECT_EQ(settings_.databases, 5);
}

TEST_F(ConfigLoaderTest, ErrorInAnIncludedFileNamesThatFile) {
  source_.files["b"] = "\nport x\n";
  EXPECT_EQ(Load("include b\n"),
            "Reading the configuration file, at line 2 of b\n>>> 'port x'\nargument couldn't be parsed into "
            "an integer");
  EXPECT_EQ(Load("include missing\n"),
            "Fatal error, can't open config file 'missing': No such file or directory");
}

TEST_F(ConfigLoaderTest, EndlessIncludesEndInAnError) {
  source_.files["a"] = "include a\n";
  EXPECT_EQ(Reason("include a\n"), "Too many levels of include directives");
}

TEST_F(ConfigLoaderTest, RenamesFollowEachOther) {
  options_.is_command = [](std::string_view name) { return name == "get" || name == "set"; };
  EXPECT_EQ(Reason("rename-command foo bar"), "No such command in rename-command");
  EXPECT_EQ(Reason("rename-command get set"), "Target command name already exists");
  EXPECT_EQ(Load("rename-command get \"\"\nrename-command set get\n"), "OK");
  EXPECT_EQ(settings_.renamed_commands, (std::vector<RenamedCommand>{{"get", ""}, {"set", "get"}}));
}

TEST_F(ConfigLoaderTest, SentinelModeHasItsOwnDefaults) {
  options_.is_sentinel = true;
  EXPECT_EQ(Load("sentinel monitor a 127.0.0.1 6379 2\n"), "OK");
  EXPECT_EQ(settings_.port, 26379);
  EXPECT_FALSE(settings_.protected_mode);
  ASSERT_EQ(settings_.sentinel_lines.size(), 1u);
  EXPECT_EQ(settings_.sentinel_lines[0].line_number, 1);
}

TEST_F(ConfigLoaderTest, WarnsOfIgnoredDirectives) {
  EXPECT_EQ(Load("list-max-ziplist-entries 5\n"), "OK");
  EXPECT_EQ(warnings_,
            (std::vector<std::string>{"The directive 'list-max-ziplist-entries' is obsolete and ignored"}));
}

TEST(LinesOfArguments, FollowsTheRulesForWordsThatStartWithDashes) {
  using Lines = std::vector<std::string>;
  EXPECT_EQ(LinesOfArguments({"--port", "7000", "--save", ""}), (Lines{"port \"7000\"", "save \"\""}));
  EXPECT_EQ(LinesOfArguments({"--save", "900", "1", "--hz", "5"}), (Lines{"save \"900\" \"1\"", "hz \"5\""}));
  EXPECT_EQ(LinesOfArguments({"--save", "--hz", "5"}), (Lines{"save \"\"", "hz \"5\""}));
  EXPECT_EQ(LinesOfArguments({"--port", "1", "--save"}), (Lines{"port \"1\"", "save \"\""}));
  EXPECT_EQ(LinesOfArguments({"--logfile", "--odd", "--hz", "5"}), (Lines{"logfile \"--odd\"", "hz \"5\""}));
  EXPECT_EQ(LinesOfArguments({"--port 7000", "--hz", "5"}), (Lines{"port 7000", "hz \"5\""}));
  EXPECT_EQ(LinesOfArguments({"--sentinel", "--port", "1"}), (Lines{"port \"1\""}));
  EXPECT_EQ(LinesOfArguments({"--port"}), (Lines{"port"}));
}

}  // namespace

}  // namespace hearth::settings
