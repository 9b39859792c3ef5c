// What a Lua program sees beside redis.*: the safe part of the standard libraries, bit, cjson, cmsgpack and
// struct, and the protection of all that against its programs.
//
// The libraries allocate through the state's allocator and nowhere else, so that whoever bounds that bounds
// them. Everything here is called by the owner of the lua_State, on the thread that runs it. Functions marked
// (errors) raise Lua errors, and are called where Lua catches them.
#pragma once

#include <cstdint>
#include <lua.hpp>
#include <string_view>

namespace hearth::script {

// Fills the globals of a fresh state (errors: memory). The owner adds its own tables with lua_setglobal.
void OpenLibraries(lua_State* lua);

// Ends the preparation (errors: memory): every table among the globals becomes a read-only view of itself,
// and so do the globals. Reading a global that is not there is an error from now on, and so is writing any,
// also for lua_setglobal.
void ProtectGlobals(lua_State* lua);

// Pushes the table behind the protected globals, for what changes from run to run: KEYS and ARGV.
void PushGlobals(lua_State* lua);

// Replaces the table on top of the stack by a read-only view of it (errors: memory). The table stays its
// owner's to change.
void ProtectTable(lua_State* lua);

// Starts the numbers of math.random from `seed`; the owner does that once, with a seed that nobody knows.
// From then on they run through all scripts, as in Redis, unless one calls math.randomseed.
void SeedRandom(lua_State* lua, int32_t seed);

// Compiles `source` and pushes the function, or the message of what is wrong with it; returns Lua's status.
// Takes text only, never bytecode, and refuses the number literals that are LuaJIT's own (1LL, 2i): they make
// values of its foreign function interface. Sees to it that functions in C know the line that called them
// also in the commonest return statements, `return redis.call(...)` and its like. `chunk_name` is Lua's:
// "@user_script".
int LoadText(lua_State* lua, std::string_view source, const char* chunk_name);

}  // namespace hearth::script
