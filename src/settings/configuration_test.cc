#include "settings/configuration.h"

#include <gtest/gtest.h>

#include <map>

#include "settings/testing/memory_source.h"

namespace hearth::settings {

namespace {

using Pairs = Configuration::Pairs;

class ConfigurationTest : public testing::Test {
 protected:
  Status Load(const std::vector<std::string>& words, std::string_view standard_input = "") {
    return configuration_.Load(ParseStartArguments(words), standard_input, {});
  }
  Status Set(const Pairs& pairs, ConfigCaller caller = {}) { return configuration_.Set(pairs, caller); }
  std::string Get(const std::string& name) {
    const Pairs pairs = configuration_.Get(std::vector<std::string>{name});
    return pairs.size() == 1 ? pairs[0].second : "<" + std::to_string(pairs.size()) + " matches>";
  }
  std::string Error(const Pairs& pairs, ConfigCaller caller = {}) {
    const Status status = Set(pairs, caller);
    return status ? "OK" : status.error().message;
  }

  MemorySource source_;
  Configuration configuration_{source_};
};

std::string Failed(const std::string& name, const std::string& reason) {
  return "ERR CONFIG SET failed (possibly related to argument '" + name + "') - " + reason;
}

TEST_F(ConfigurationTest, LaterSourcesWin) {
  source_.files["/home/a.conf"] = "port 1\ntimeout 1\nhz 11\n";
  ASSERT_TRUE(Load({"a.conf", "--port", "3", "-"}, "timeout 2\nport 2\n"));
  EXPECT_EQ(configuration_.settings().port, 3);
  EXPECT_EQ(configuration_.settings().timeout, 2);
  EXPECT_EQ(configuration_.settings().hz, 11);
  EXPECT_EQ(configuration_.file(), "/home/a.conf");
}

TEST_F(ConfigurationTest, MissingFileIsAnError) {
  const Status status = Load({"a.conf"});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message,
            "Fatal error, can't open config file '/home/a.conf': No such file or directory");
}

TEST_F(ConfigurationTest, GetTakesNamesAliasesAndPatterns) {
  EXPECT_EQ(Get("port"), "6379");
  EXPECT_EQ(Get("nosuch"), "<0 matches>");
  const std::vector<std::string> patterns = {"*-priority", "replica-priority", "PORT", "port"};
  const Pairs expected = {{"replica-priority", "100"}, {"slave-priority", "100"}, {"PORT", "6379"}};
  EXPECT_EQ(configuration_.Get(patterns), expected);
}

TEST_F(ConfigurationTest, PatternsDoNotShowHiddenDirectivesNorQuietNames) {
  EXPECT_EQ(Get("*-load-delay"), "<0 matches>");
  EXPECT_EQ(Get("key-load-delay"), "0");
  EXPECT_EQ(Get("primaryaut*"), "<0 matches>");
  EXPECT_EQ(Get("primaryauth"), "");
}

TEST_F(ConfigurationTest, SetStoresAllOrNothing) {
  EXPECT_EQ(Error({{"maxmemory", "1mb"}, {"maxmemory-samples", "7"}}), "OK");
  EXPECT_EQ(Get("maxmemory"), "1048576");
  EXPECT_EQ(Error({{"maxmemory", "2mb"}, {"maxmemory-samples", "0"}}),
            Failed("maxmemory-samples", "argument must be between 1 and 2147483647 inclusive"));
  EXPECT_EQ(Get("maxmemory"), "1048576");
}

TEST_F(ConfigurationTest, SetRefusesWhatCannotBeSet) {
  EXPECT_EQ(Error({{"port", "1"}, {"Daemonize", "yes"}}), Failed("daemonize", "can't set immutable config"));
  EXPECT_EQ(Error({{"foo", "bar"}}), "ERR Unknown option or number of arguments for CONFIG SET - 'foo'");
  EXPECT_EQ(Error({{"maxmemory", "1"}, {"MAXMEMORY", "2"}}), Failed("maxmemory", "duplicate parameter"));
  EXPECT_EQ(Error({{"dir", "/"}}), Failed("dir", "can't set protected config"));
  EXPECT_EQ(Error({{"appendonly", "yes"}}, {.is_loading = true}),
            "LOADING Redis is loading the dataset in memory");
  EXPECT_EQ(Get("port"), "6379");
}

TEST_F(ConfigurationTest, ProtectedDirectivesFollowTheCaller) {
  ASSERT_TRUE(Load({"--enable-protected-configs", "local"}));
  EXPECT_EQ(Error({{"dbfilename", "x.rdb"}}, {.is_local = false}),
            Failed("dbfilename", "can't set protected config"));
  EXPECT_EQ(Error({{"dbfilename", "x.rdb"}}), "OK");
  EXPECT_EQ(Error({{"dbfilename", "a/b"}}),
            Failed("dbfilename", "dbfilename can't be a path, just a filename"));
  EXPECT_EQ(Get("dbfilename"), "x.rdb");
}

TEST_F(ConfigurationTest, FailedSetReturnsToTheOldFolder) {
  ASSERT_TRUE(Load({"--enable-protected-configs", "yes"}));
  EXPECT_EQ(Error({{"dir", "/data"}, {"port", "x"}}),
            Failed("port", "argument couldn't be parsed into an integer"));
  EXPECT_EQ(source_.folder, "/home");
  EXPECT_EQ(Error({{"dir", "/nowhere"}}), Failed("dir", "No such file or directory"));
  EXPECT_EQ(Error({{"dir", "/data"}}), "OK");
  EXPECT_EQ(Get("dir"), "/data");
}

TEST_F(ConfigurationTest, HooksRunOnceAfterAllValuesAreStored) {
  int runs = 0;
  configuration_.OnChange({"maxmemory", "maxmemory-policy"}, [&](const Settings& settings) -> Status {
    ++runs;
    EXPECT_EQ(settings.maxmemory, 5u);
    EXPECT_EQ(settings.maxmemory_policy, MaxmemoryPolicy::kAllkeysLfu);
    return {};
  });
  EXPECT_EQ(Error({{"maxmemory", "5"}, {"timeout", "1"}, {"maxmemory-policy", "allkeys-lfu"}}), "OK");
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(Error({{"maxmemory", "5"}}), "OK");
  EXPECT_EQ(runs, 1) << "the value stayed the same";
}

TEST_F(ConfigurationTest, FailingHookTakesEverythingBack) {
  std::vector<int64_t> timeouts;
  configuration_.OnChange({"timeout"}, [&](const Settings& settings) -> Status {
    timeouts.push_back(settings.timeout);
    return {};
  });
  configuration_.OnChange({"port"}, [](const Settings& settings) -> Status {
    if (settings.port == 6379) return {};
    return Fail("Unable to listen on this port");
  });
  EXPECT_EQ(Error({{"timeout", "9"}, {"port", "80"}}), Failed("port", "Unable to listen on this port"));
  EXPECT_EQ(timeouts, (std::vector<int64_t>{9, 0}));
  EXPECT_EQ(Get("timeout"), "0");
  EXPECT_EQ(Get("port"), "6379");
}

TEST_F(ConfigurationTest, VolatileDirectivesRunTheirHookAlways) {
  int runs = 0;
  configuration_.OnChange({"tls-cert-file"}, [&](const Settings&) -> Status { return ++runs, Status(); });
  EXPECT_EQ(Error({{"tls-cert-file", ""}}), "OK");
  EXPECT_EQ(runs, 1);
}

TEST_F(ConfigurationTest, RewriteNeedsAFile) {
  EXPECT_EQ(configuration_.Rewrite().error().message, "ERR The server is running without a config file");
}

TEST_F(ConfigurationTest, RewriteWritesTheFileAndItLoadsAgain) {
  source_.files["/home/a.conf"] = "# mine\nport 7\n";
  ASSERT_TRUE(Load({"a.conf"}));
  EXPECT_EQ(Error({{"maxmemory", "3gb"}, {"save", ""}, {"requirepass", "a \"b\"\n"}}), "OK");
  configuration_.ProvideLines("user", [] { return std::vector<std::string>{"user default on nopass"}; });
  ASSERT_TRUE(configuration_.Rewrite());
  Configuration again(source_);
  ASSERT_TRUE(again.Load(ParseStartArguments(std::vector<std::string>{"a.conf"}), "", {}));
  EXPECT_EQ(again.Get(std::vector<std::string>{"*"}), configuration_.Get(std::vector<std::string>{"*"}));
  ASSERT_EQ(again.settings().user_lines.size(), 1u);
  EXPECT_TRUE(source_.files["/home/a.conf"].starts_with("# mine\nport 7\n# Generated by CONFIG REWRITE\n"));
}

TEST(StartArguments, FirstOrLastDashIsStandardInput) {
  const auto parse = [](std::vector<std::string> words) { return ParseStartArguments(words); };
  EXPECT_TRUE(parse({"-", "--port", "1"}).reads_standard_input);
  EXPECT_TRUE(parse({"a.conf", "--port", "1", "-"}).reads_standard_input);
  const StartArguments middle = parse({"--logfile", "-", "--port", "1"});
  EXPECT_FALSE(middle.reads_standard_input);
  EXPECT_EQ(middle.options.size(), 4u);
  EXPECT_EQ(parse({"a.conf"}).file, "a.conf");
}

}  // namespace

}  // namespace hearth::settings
