#include <gtest/gtest.h>

#include "commands/register.h"
#include "engine/testing/engine_fixture.h"

namespace hearth::commands {
namespace {

struct Session : engine::EngineFixture {
  Session() {
    RegisterConnection(engine.commands());
    RegisterCommandInfo(engine.commands());
    RegisterCommandDocs(engine.commands());
  }
};

TEST(CommandInfo, DescribesACommandInTenFields) {
  Session session;
  EXPECT_EQ(session.Do("COMMAND INFO echo nosuch"),
            "*2\r\n*10\r\n$4\r\necho\r\n:2\r\n*3\r\n+loading\r\n+stale\r\n+fast\r\n:0\r\n:0\r\n:0\r\n"
            "*2\r\n+@fast\r\n+@connection\r\n*0\r\n*0\r\n*0\r\n$-1\r\n");
}

TEST(CommandInfo, HidesWhatIsNotSupported) {
  Session session;
  EXPECT_EQ(session.Do("COMMAND INFO nosuch failover"), "*2\r\n$-1\r\n$-1\r\n");
  EXPECT_EQ(session.Do("COMMAND LIST FILTERBY PATTERN fail*"), "*0\r\n");
  EXPECT_EQ(session.Do("COMMAND COUNT"), ":7\r\n");
}

TEST(CommandInfo, KeysOfARequestOrWhyThereAreNone) {
  Session session;
  EXPECT_EQ(session.Do("COMMAND GETKEYS mset a 1 b 2"), "*2\r\n$1\r\na\r\n$1\r\nb\r\n");
  EXPECT_EQ(session.Do("COMMAND GETKEYS nosuch x"), "-ERR Invalid command specified\r\n");
  EXPECT_EQ(session.Do("COMMAND GETKEYS ping x"), "-ERR The command has no key arguments\r\n");
  EXPECT_EQ(session.Do("COMMAND GETKEYS set a"),
            "-ERR Invalid number of arguments specified for command\r\n");
  EXPECT_EQ(session.Do("COMMAND GETKEYS zunion 9 a"), "-ERR Invalid arguments specified for command\r\n");
  EXPECT_EQ(session.Do("COMMAND GETKEYS eval x 0"), "*0\r\n");
  EXPECT_EQ(session.Do("COMMAND GETKEYSANDFLAGS get a"), "*1\r\n*2\r\n$1\r\na\r\n*2\r\n+RO\r\n+access\r\n");
}

TEST(CommandDocs, AreAMapOfMaps) {
  Session session;
  session.Do("HELLO 3");
  const std::string docs = session.Do("COMMAND DOCS echo nosuch");
  EXPECT_TRUE(docs.starts_with("%1\r\n$4\r\necho\r\n%5\r\n$7\r\nsummary\r\n")) << docs;
}

TEST(CommandHelp, ListsTheSubcommands) {
  Session session;
  const std::string help = session.Do("COMMAND HELP");
  EXPECT_NE(help.find("+GETKEYS <command> [<arg> [<arg> ...]]\r\n"), std::string::npos) << help;
}

}  // namespace
}  // namespace hearth::commands
