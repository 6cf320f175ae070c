#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <gtest/gtest.h>

#include "control/command.h"
#include "control/commands/command_tree.h"
#include "control/commands/completion.h"
#include "control/commands/help_command.h"
#include "control/commands/man_page.h"
#include "control_files.h"
#include "control_run.h"

namespace anytick::control::test {
namespace {

/// A program with what descriptions may have.
struct Program {
  Program() {
    app.footer("Exit codes: 0 done.");
    auto* zone = app.add_subcommand("zone", "Zone files");
    auto* compile = zone->add_subcommand("compile", "Don't stop at 'one'");
    compile->add_option("FILE", file, "zone files")->required();
    compile->add_option("-o,--output", output, "image")->envname("OUT")->capture_default_str();
    compile->add_flag("--json", json, "as JSON");
    compile->footer(".starts with a dot\nand a \\ backslash");
    app.add_subcommand("pop", "POPs")->add_subcommand("status", "What runs");
  }

  CLI::App app{"A program", "anytick"};
  std::string file, output = "zone.image";
  bool json = false;
};

TEST(CommandTree, HasAllOfThem) {
  const Program program;
  const CommandNode tree = command_tree(program.app);
  ASSERT_EQ(tree.commands.size(), 2u);
  const CommandNode& compile = tree.commands[0].commands.at(0);
  EXPECT_EQ(compile.path, "zone compile");
  ASSERT_EQ(compile.options.size(), 4u); // and --help
  EXPECT_TRUE(compile.options[1].positional);
  EXPECT_EQ(compile.options[1].names, std::vector<std::string>{"FILE"});
  EXPECT_EQ(compile.options[2].names, (std::vector<std::string>{"--output", "-o"}));
  EXPECT_EQ(compile.options[2].preset, "zone.image");
  EXPECT_EQ(compile.options[2].environment, "OUT");
  EXPECT_EQ(compile.options[2].value, "TEXT");
  EXPECT_EQ(compile.options[3].value, "");
}

/// What bash offers where `words` were typed and the last one is being typed.
std::string completions(const std::string& script, const std::string& words, unsigned last) {
  const TemporaryDirectory directory;
  const std::string file =
      directory.write("completion", script + "COMP_WORDS=(" + words + ")\nCOMP_CWORD=" + std::to_string(last) +
                                        "\n_anytick\nprintf '%s ' \"${COMPREPLY[@]}\"\n");
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(("bash --norc " + file + " 2>&1").c_str(), "r"), &::pclose);
  std::string text;
  std::array<char, 4096> buffer;
  while (const size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe.get())) text.append(buffer.data(), got);
  return text;
}

TEST(Completion, OffersCommandsAndOptionsInBash) {
  const Program program;
  const std::string script = *completion_script(command_tree(program.app), "bash");
  EXPECT_EQ(completions(script, "anytick ''", 1), "zone pop --help -h ");
  EXPECT_EQ(completions(script, "anytick z", 1), "zone ");
  EXPECT_EQ(completions(script, "anytick zone ''", 2), "compile --help -h ");
  EXPECT_EQ(completions(script, "anytick zone compile --j", 3), "--json ");
  EXPECT_EQ(completions(script, "anytick zone compile --json --o", 4), "--output ");
  EXPECT_EQ(completions(script, "anytick pop s", 2), "status ");
  EXPECT_EQ(completions(script, "anytick zone compile --output /etc/host", 4).find("/etc/host"), 0u);
  EXPECT_EQ(completions(script, "anytick zone compile /etc/hostnam", 3), "/etc/hostname ");
}

TEST(Completion, KnowsThreeShells) {
  const Program program;
  const CommandNode tree = command_tree(program.app);
  EXPECT_NE(completion_script(tree, "zsh")->find("bashcompinit"), std::string::npos);
  EXPECT_NE(completion_script(tree, "fish")->find("-l output -s o -r -d 'image'"), std::string::npos);
  EXPECT_NE(completion_script(tree, "fish")->find("'Don\\'t stop at \\'one\\''"), std::string::npos);
  EXPECT_EQ(completion_script(tree, "csh"), std::nullopt);
}

TEST(ManPages, HaveEveryCommand) {
  const Program program;
  const std::vector<ManPage> pages = man_pages(command_tree(program.app), "1.2");
  ASSERT_EQ(pages.size(), 3u);
  EXPECT_EQ(pages[0].file, "anytick.1");
  EXPECT_EQ(pages[1].file, "anytick-zone.1");
  const std::string& zone = pages[1].text;
  EXPECT_EQ(zone.find(".TH ANYTICK\\-ZONE 1"), 0u);
  for (const char* part : {".SS \"anytick zone compile\"", "\\-\\-output, \\-o TEXT", "Default: zone.image",
                           "Environment: OUT", "\\&.starts with a dot", "a \\e backslash"})
    EXPECT_NE(zone.find(part), std::string::npos) << part << "\n" << zone;
}

TEST(HelpCommands, WriteWhatTheyAreAskedFor) {
  const TemporaryDirectory directory;
  const auto add = [](CLI::App& app) { add_help_commands(app, "1.2"); };
  const Outcome completion = run_command({"completion", "bash"}, add);
  EXPECT_NE(completion.output.find("'man') words="), std::string::npos) << completion.output;
  EXPECT_EQ(run_command({"man", directory.file("man1")}, add).code, exit_done);
  EXPECT_TRUE(std::filesystem::exists(directory.file("man1/anytick-completion.1")));
  EXPECT_EQ(run_command({"man", directory.write("file", "") + "/man1"}, add).code, exit_refused);
}

} // namespace
} // namespace anytick::control::test
