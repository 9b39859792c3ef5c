#include "engine/redaction.h"

#include <gtest/gtest.h>

#include <string>

#include "base/text.h"

namespace hearth::engine {
namespace {

// The words of `command` with its secrets taken out, as one text.
std::string Shown(std::string_view command) {
  std::vector<std::string_view> words;
  while (!command.empty()) {
    const size_t end = std::min(command.find(' '), command.size());
    words.push_back(command.substr(0, end));
    command.remove_prefix(std::min(end + 1, command.size()));
  }
  std::string shown;
  for (const std::string_view word : WithoutSecrets(words)) {
    shown += (shown.empty() ? "" : " ") + std::string(word);
  }
  return shown;
}

TEST(RedactionTest, HidesPasswordsOfLogins) {
  EXPECT_EQ(Shown("AUTH secret"), "AUTH (redacted)");
  EXPECT_EQ(Shown("auth user secret"), "auth (redacted) (redacted)");
  EXPECT_EQ(Shown("HELLO 3 AUTH user secret SETNAME me"), "HELLO 3 AUTH (redacted) (redacted) SETNAME me");
  EXPECT_EQ(Shown("HELLO 3"), "HELLO 3");
}

TEST(RedactionTest, HidesWhatIsSaidOfUsers) {
  EXPECT_EQ(Shown("acl setuser alice on >secret"), "acl setuser (redacted) (redacted) (redacted)");
  EXPECT_EQ(Shown("ACL GETUSER alice"), "ACL GETUSER (redacted)");
  EXPECT_EQ(Shown("ACL WHOAMI"), "ACL WHOAMI");
}

TEST(RedactionTest, HidesSensitiveSettingsAlone) {
  EXPECT_EQ(Shown("CONFIG SET requirepass secret maxmemory 1"),
            "CONFIG SET requirepass (redacted) maxmemory 1");
  EXPECT_EQ(Shown("config set MASTERAUTH secret"), "config set MASTERAUTH (redacted)");
  EXPECT_EQ(Shown("CONFIG GET requirepass"), "CONFIG GET requirepass");
}

TEST(RedactionTest, HidesPasswordsForOtherServers) {
  EXPECT_EQ(Shown("MIGRATE host 1 key 0 100 AUTH secret"), "MIGRATE host 1 key 0 100 AUTH (redacted)");
  EXPECT_EQ(Shown("MIGRATE host 1 key 0 100 AUTH2 user secret"),
            "MIGRATE host 1 key 0 100 AUTH2 (redacted) (redacted)");
  EXPECT_EQ(Shown("SENTINEL SET mymaster auth-pass secret quorum 2"),
            "SENTINEL SET mymaster auth-pass (redacted) quorum 2");
}

TEST(RedactionTest, LeavesOtherCommandsAsTheyAre) {
  EXPECT_EQ(Shown("SET auth secret"), "SET auth secret");
  EXPECT_EQ(Shown("PING"), "PING");
}

}  // namespace
}  // namespace hearth::engine
