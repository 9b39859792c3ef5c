#include "script/scripts.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/context.h"
#include "engine/testing/engine_fixture.h"
#include "engine/testing/test_commands.h"

namespace hearth::script {
namespace {

using Lines = std::vector<std::string>;

void Select(engine::Context& ctx) {
  ctx.client().database = static_cast<int>(*ctx.Integer(1));
  ctx.reply().Ok();
}

class ScriptsTest : public ::testing::Test {
 protected:
  ScriptsTest() {
    engine::testing::BindCommands(t_.engine);
    scripts_.Register(t_.engine.commands());
  }
  std::string Eval(const std::string& script, const std::vector<std::string>& keys = {},
                   const std::vector<std::string>& args = {}) {
    std::vector<std::string> words = {"EVAL", script, std::to_string(keys.size())};
    words.insert(words.end(), keys.begin(), keys.end());
    words.insert(words.end(), args.begin(), args.end());
    return t_.Run(words);
  }
  std::string Load(const std::string& name, const std::string& body) {
    return t_.Run({"FUNCTION", "LOAD", "#!lua name=" + name + "\n" + body});
  }

  engine::EngineFixture t_;
  Scripts scripts_{{t_.engine, t_.clock, t_.log, {}}};
};

TEST_F(ScriptsTest, AScriptSeesItsKeysAndArguments) {
  EXPECT_EQ(Eval("return {KEYS[1], ARGV[1], #KEYS, #ARGV}", {"k"}, {"a", "b"}),
            "*4\r\n$1\r\nk\r\n$1\r\na\r\n:1\r\n:2\r\n");
}

TEST_F(ScriptsTest, ValuesOfLuaBecomeReplies) {
  EXPECT_EQ(Eval("return {1, 2.9, 'x', true, false, {3, {ok='fine'}, {err='bad'}}}"),
            "*6\r\n:1\r\n:2\r\n$1\r\nx\r\n:1\r\n$-1\r\n*3\r\n:3\r\n+fine\r\n-bad\r\n");
  EXPECT_EQ(Eval("return {1, 2, nil, 3}"), "*2\r\n:1\r\n:2\r\n");
  EXPECT_EQ(Eval("return 0/0"), ":-9223372036854775808\r\n");
  EXPECT_EQ(Eval("return {double=3.5}"), "$3\r\n3.5\r\n");
  EXPECT_EQ(Eval("return {map={a=1}}"), "*2\r\n$1\r\na\r\n:1\r\n");
}

TEST_F(ScriptsTest, ATableInItselfEndsAtTheStacksLimit) {
  const std::string reply = Eval("local t = {} t[1] = t return t");
  EXPECT_TRUE(reply.ends_with("-ERR reached lua stack limit\r\n"));
}

TEST_F(ScriptsTest, TheEffectsOfAScriptAreOneUnit) {
  EXPECT_EQ(Eval("redis.call('set', KEYS[1], 'x') redis.call('set', KEYS[2], 'y') return 1", {"a", "b"}),
            ":1\r\n");
  EXPECT_EQ(t_.TakeEffects(), (Lines{"(", "0: set a x", "0: set b y", ")"}));
  EXPECT_EQ(Eval("return redis.call('exists', 'a')"), ":1\r\n");
  EXPECT_TRUE(t_.TakeEffects().empty());
}

TEST_F(ScriptsTest, WhatAScriptKeepsFromReplicationGoesNowhere) {
  Eval(
      "redis.call('set', 'a', '1') redis.set_repl(redis.REPL_NONE) redis.call('set', 'b', '1') "
      "redis.set_repl(redis.REPL_ALL) redis.call('set', 'c', '1')");
  EXPECT_EQ(t_.TakeEffects(), (Lines{"(", "0: set a 1", "0: set c 1", ")"}));
  EXPECT_EQ(t_.Do("EXISTS b"), ":1\r\n");
}

TEST_F(ScriptsTest, WhatWasDoneBeforeAnErrorStays) {
  EXPECT_TRUE(
      Eval("redis.call('set', 'a', '1') error('stop')").starts_with("-ERR user_script:1: stop script: "));
  EXPECT_EQ(t_.TakeEffects(), Lines{"0: set a 1"});
}

TEST_F(ScriptsTest, ErrorsOfCommandsAreRaisedByCallAndGivenByPcall) {
  t_.Do("SET n 1");
  const std::string raised = Eval("return redis.call('incr', 'n')");
  EXPECT_TRUE(
      raised.starts_with("-WRONGTYPE Operation against a key holding the wrong kind of value script: "));
  EXPECT_TRUE(raised.ends_with(", on @user_script:1.\r\n"));
  EXPECT_EQ(Eval("return redis.pcall('incr', 'n')"),
            "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n");
  EXPECT_EQ(Eval("return redis.pcall('nope')"), "-ERR Unknown Redis command called from script\r\n");
  EXPECT_EQ(Eval("return redis.pcall('set', 'a')"),
            "-ERR Wrong number of args calling Redis command from script\r\n");
  EXPECT_EQ(Eval("return redis.pcall('eval', 'return 1', 0)"),
            "-ERR This Redis command is not allowed from script\r\n");
}

TEST_F(ScriptsTest, AnErrorIsCountedOnce) {
  t_.Do("SET n 1");
  Eval("return redis.call('incr', 'n')");
  EXPECT_EQ(t_.engine.stats().errors["WRONGTYPE"], 1u);
  Eval("return redis.pcall('incr', 'n')");
  EXPECT_EQ(t_.engine.stats().errors["WRONGTYPE"], 2u);
}

TEST_F(ScriptsTest, AReadOnlyScriptWritesNothing) {
  const std::string refused = "-ERR Write commands are not allowed from read-only scripts.\r\n";
  EXPECT_EQ(t_.Run({"EVAL_RO", "return redis.pcall('set', 'a', '1')", "0"}), refused);
  EXPECT_EQ(Eval("#!lua flags=no-writes\nreturn redis.pcall('set', 'a', '1')"), refused);
  EXPECT_EQ(t_.Run({"EVAL_RO", "#!lua\nreturn 1", "0"}),
            "-ERR Can not execute a script with write flag using *_ro command.\r\n");
  EXPECT_TRUE(t_.TakeEffects().empty());
}

TEST_F(ScriptsTest, BlockingCommandsAnswerAtOnce) {
  EXPECT_EQ(Eval("return redis.call('blpop', 'none', 0)"), "$-1\r\n");
}

TEST_F(ScriptsTest, ScriptsAreKnownByTheirDigest) {
  constexpr const char* kSha = "e0e1f9fabfc9d4800c877a703b823ac0578ff8db";
  EXPECT_EQ(t_.Run({"EVALSHA", kSha, "0"}), "-NOSCRIPT No matching script. Please use EVAL.\r\n");
  EXPECT_EQ(t_.Run({"SCRIPT", "LOAD", "return 1"}), std::string("$40\r\n") + kSha + "\r\n");
  EXPECT_EQ(t_.Run({"EVALSHA", kSha, "0"}), ":1\r\n");
  EXPECT_EQ(t_.Run({"EVALSHA", "E0E1F9FABFC9D4800C877A703B823AC0578FF8DB", "0"}), ":1\r\n");
  EXPECT_EQ(t_.Run({"SCRIPT", "SHOW", kSha}), "$8\r\nreturn 1\r\n");
  EXPECT_EQ(t_.Run({"SCRIPT", "FLUSH"}), "+OK\r\n");
  EXPECT_EQ(t_.Run({"SCRIPT", "EXISTS", kSha}), "*1\r\n:0\r\n");
}

TEST_F(ScriptsTest, ScriptsOfEvalGiveWayAndLoadedOnesStay) {
  const std::string loaded = t_.Run({"SCRIPT", "LOAD", "return 'loaded'"}).substr(5, 40);
  Eval("return 'first'");
  for (size_t i = 0; i < ScriptCache::kMostOfEval; ++i) Eval("return " + std::to_string(i));
  EXPECT_EQ(scripts_.figures().cached_scripts, ScriptCache::kMostOfEval + 1);
  EXPECT_EQ(scripts_.figures().evicted_scripts, 1u);
  EXPECT_EQ(t_.Run({"EVALSHA", loaded, "0"}), "$6\r\nloaded\r\n");
}

TEST_F(ScriptsTest, SelectHoldsForTheScriptAlone) {
  t_.engine.commands().Bind("select", engine::MakeHandler<&Select>());
  Eval("redis.call('select', 3) redis.call('set', 'a', '1')");
  EXPECT_EQ(t_.client->database, 0);
  EXPECT_EQ(t_.TakeEffects(), Lines{"3: set a 1"});
}

TEST_F(ScriptsTest, FunctionsAreCalledByName) {
  EXPECT_EQ(Load("lib", "redis.register_function('f', function(keys, args) return {keys[1], args[1]} end)"),
            "$3\r\nlib\r\n");
  EXPECT_EQ(t_.TakeEffects().size(), 1u);
  EXPECT_EQ(t_.Run({"FCALL", "f", "1", "k", "a"}), "*2\r\n$1\r\nk\r\n$1\r\na\r\n");
  EXPECT_EQ(t_.Run({"FCALL", "F", "0"}), "*0\r\n");
  EXPECT_EQ(t_.Run({"FCALL", "g", "0"}), "-ERR Function not found\r\n");
  EXPECT_EQ(t_.Run({"FCALL_RO", "f", "0"}),
            "-ERR Can not execute a script with write flag using *_ro command.\r\n");
}

TEST_F(ScriptsTest, ALibraryThatFailsToLoadLeavesTheOldOne) {
  Load("lib", "redis.register_function('f', function() return 1 end)");
  EXPECT_EQ(t_.Run({"FUNCTION", "LOAD", "REPLACE", "#!lua name=lib\nredis.register_function('f', 3)"}),
            "-ERR Error registering functions: ERR second argument to redis.register_function must be a "
            "function\r\n");
  EXPECT_EQ(t_.Run({"FCALL", "f", "0"}), ":1\r\n");
  EXPECT_EQ(Load("lib", "redis.register_function('f', function() return 1 end)"),
            "-ERR Library 'lib' already exists\r\n");
  EXPECT_EQ(Load("other", "redis.register_function('F', function() return 1 end)"),
            "-ERR Function F already exists\r\n");
}

TEST_F(ScriptsTest, ALibraryThatLoadsSeesLittle) {
  EXPECT_EQ(
      Load("lib", "redis.call('get', 'a')"),
      "-ERR Error registering functions: ERR user_function:2: Script attempted to access nonexistent global "
      "variable 'call'\r\n");
  EXPECT_EQ(Load("lib", "x = 1"),
            "-ERR Error registering functions: ERR user_function:2: Attempt to modify a readonly table\r\n");
  EXPECT_EQ(Load("lib", ""), "-ERR No functions registered\r\n");
}

TEST_F(ScriptsTest, LibrariesAreRestoredWholeOrNotAtAll) {
  Load("a", "redis.register_function('fa', function() return 'a' end)");
  Load("b", "redis.register_function('fb', function() return 'b' end)");
  std::string payload = t_.Run({"FUNCTION", "DUMP"});
  payload = payload.substr(payload.find("\r\n") + 2);
  payload.resize(payload.size() - 2);
  EXPECT_EQ(t_.Run({"FUNCTION", "RESTORE", payload}), "-ERR Library a already exists\r\n");
  EXPECT_EQ(t_.Run({"FUNCTION", "DELETE", "a"}), "+OK\r\n");
  EXPECT_EQ(t_.Run({"FUNCTION", "RESTORE", payload}), "-ERR Library b already exists\r\n");
  EXPECT_EQ(t_.Run({"FCALL", "fa", "0"}), "-ERR Function not found\r\n");
  EXPECT_EQ(t_.Run({"FUNCTION", "RESTORE", payload, "REPLACE"}), "+OK\r\n");
  EXPECT_EQ(t_.Run({"FCALL", "fa", "0"}), "$1\r\na\r\n");
  payload[3] ^= 1;
  EXPECT_EQ(t_.Run({"FUNCTION", "RESTORE", payload, "FLUSH"}),
            "-ERR DUMP payload version or checksum are wrong\r\n");
  EXPECT_EQ(scripts_.figures().libraries, 2u);
}

TEST_F(ScriptsTest, ScriptsRunInTransactions) {
  t_.Do("MULTI");
  EXPECT_EQ(Eval("return redis.call('set', 'a', '1')"), "+QUEUED\r\n");
  t_.Do("SET b 2");
  EXPECT_EQ(t_.Do("EXEC"), "*2\r\n+OK\r\n+OK\r\n");
  EXPECT_EQ(t_.TakeEffects(), (Lines{"(", "0: set a 1", "0: SET b 2", ")"}));
}

}  // namespace
}  // namespace hearth::script
