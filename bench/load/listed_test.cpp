#include "bench/load/listed.h"

#include <gtest/gtest.h>

namespace anytick::bench {
namespace {

std::string texts_of(const std::vector<Refusal>& faults) {
  std::string text;
  for (const Refusal& fault : faults) text.append(fault.text()).append("\n");
  return text;
}

std::vector<Answerable> known() {
  return {{"a.example", 1, 0, nullptr, 1, 1}, {"a.example", 28, 0, nullptr, 1, 1}, {"b.example", 1, 1, nullptr, 1, 1}};
}

TEST(ListedNames, HaveTypesAndWeights) {
  std::vector<Refusal> faults;
  const auto choices =
      parse_choices("names", "# most\nA.Example. a 2.5\n\na.example AAAA 1e3 # six\n", known(), faults);
  ASSERT_EQ(texts_of(faults), "");
  ASSERT_EQ(choices.size(), 2u);
  EXPECT_EQ(choices[0].asked.name, "a.example");
  EXPECT_EQ(choices[0].asked.type, 1u);
  EXPECT_EQ(choices[0].weight, 2.5);
  EXPECT_EQ(choices[1].asked.type, 28u);
  EXPECT_EQ(choices[1].weight, 1000);
}

TEST(ListedNames, EachFaultHasItsLine) {
  std::vector<Refusal> faults;
  parse_choices("names",
                "a.example A\n"
                "a.example A 1 2\n"
                "a.example TXT 1\n"
                "b.example AAAA 1\n"
                "\n"
                "c.example A 1\n"
                "a.example A 0\n"
                "a.example A -1\n"
                "a.example A many\n"
                "a.example A nan\n"
                "b.example A 1",
                known(), faults);
  EXPECT_EQ(texts_of(faults), "names at line 1: is no name, type and weight\n"
                              "names at line 2: is no name, type and weight\n"
                              "names at line 3: 'TXT' is neither A nor AAAA\n"
                              "names at line 4: 'b.example' has no such records in the image\n"
                              "names at line 6: 'c.example' has no such records in the image\n"
                              "names at line 7: '0' is no weight above 0\n"
                              "names at line 8: '-1' is no weight above 0\n"
                              "names at line 9: 'many' is no weight above 0\n"
                              "names at line 10: 'nan' is no weight above 0\n");
}

TEST(ListedNames, AreSome) {
  std::vector<Refusal> faults;
  parse_choices("names", "# none\n", known(), faults);
  EXPECT_EQ(texts_of(faults), "names: lists no names\n");
}

TEST(ListedClients, AreOfBothFamilies) {
  std::vector<Refusal> faults;
  const auto clients = parse_clients("clients", "192.0.2.1\n 2001:db8::1 # one\n", faults);
  EXPECT_EQ(texts_of(faults), "");
  ASSERT_EQ(clients.size(), 2u);
  EXPECT_EQ(geo::to_text(clients[0]), "192.0.2.1");
  EXPECT_EQ(geo::to_text(clients[1]), "2001:db8::1");
}

TEST(ListedClients, EachFaultHasItsLine) {
  std::vector<Refusal> faults;
  parse_clients("clients", "192.0.2.1\n192.0.2.256\n192.0.2.1 7\n192.0.2.0/24\n", faults);
  EXPECT_EQ(texts_of(faults), "clients at line 2: '192.0.2.256' is no address\n"
                              "clients at line 3: is not one address\n"
                              "clients at line 4: '192.0.2.0/24' is no address\n");
}

} // namespace
} // namespace anytick::bench
