#include "dataplane/core/join.h"

#include <algorithm>
#include <map>
#include <optional>
#include <unordered_map>

#include "dataplane/core/targeting.h"

namespace anytick::core {

AnswerRef Join::answer_for(const ReadyNode& node, uint16_t type) const {
  if (type == dns::A) return node.a;
  if (type == dns::AAAA) return node.aaaa;
  const ReadyType* first = types_.data() + node.first_type;
  for (const ReadyType* each = first; each != first + node.type_count; ++each)
    if (each->type == type) return each->answer;
  return node.other;
}

size_t Join::memory_bytes() const {
  size_t bytes = nodes_.size() * sizeof(ReadyNode) + types_.size() * sizeof(ReadyType) +
                 sets_.size() * sizeof(ReadySet) + rows_.size() * sizeof(uint32_t) +
                 places_.size() * sizeof(RecordPlace) + wire_.size() + slots_.size() * sizeof(DrawSlot) +
                 before_.size() * sizeof(uint64_t) + names_.memory_bytes();
  for (const auto& classes : place_classes_) bytes += classes.size() * sizeof(PlaceClass);
  return bytes;
}

class JoinBuilder {
 public:
  JoinBuilder(const ZoneImage& image, const geo::Map* map)
      : image_(image), map_(map), targets_(image), evaluator_(image), join_(new Join(image)) {}

  Result<std::unique_ptr<const Join>> run() {
    make_sets();
    join_->nodes_.resize(image_.nodes().size());
    for (uint32_t index = 0; index < image_.zones().size(); ++index)
      if (auto refusal = make_zone(index)) return *std::move(refusal);
    return std::unique_ptr<const Join>(std::move(join_));
  }

 private:
  using Column = std::vector<uint32_t>;

  void make_sets();
  void make_records(const ImageRRset& from, ReadySet& set);
  void make_draw(const ImageRRset& from, ReadySet& set);

  std::optional<Refusal> make_zone(uint32_t index);
  void collect(uint32_t selector);
  std::optional<Refusal> read_targets(uint32_t targeting);
  std::optional<Refusal> make_classes(uint32_t targeting);
  void make_rows();
  void make_place_classes(uint32_t index);
  void make_nodes(uint32_t zone_index);

  const ZoneImage& image_;
  const geo::Map* map_;
  TargetIndex targets_;
  Evaluator evaluator_;
  std::unique_ptr<Join> join_;

  // Of the zone being joined.
  std::vector<uint32_t> selectors_;             ///< used by its nodes
  std::vector<bool> reached_;                   ///< selectors, through aliases too
  std::array<bool, geo::level_count> levels_{}; ///< told apart by its targets
  std::vector<Column> columns_;                 ///< by class: what each of selectors_ yields
  std::vector<uint32_t> class_of_location_;
  std::unordered_map<uint32_t, AnswerRef> answer_of_selector_;
  bool any_row_ = false;
};

void JoinBuilder::make_sets() {
  size_t slots = 0, before = 0;
  for (const ImageRRset& from : image_.rrsets()) {
    if (from.kind != static_cast<uint16_t>(AnswerKind::draw)) continue;
    slots += from.record_count;
    before += from.record_count + 1;
  }
  // Views point into these: they must not move.
  join_->slots_.reserve(slots);
  join_->before_.reserve(before);
  join_->sets_.reserve(image_.rrsets().size());
  for (const ImageRRset& from : image_.rrsets()) {
    ReadySet set{};
    set.type = from.type;
    set.drawn = from.kind == static_cast<uint16_t>(AnswerKind::draw);
    set.ttl = from.ttl;
    set.max_records = from.max_records;
    make_records(from, set);
    if (set.drawn) make_draw(from, set);
    join_->sets_.push_back(set);
  }
}

void JoinBuilder::make_records(const ImageRRset& from, ReadySet& set) {
  set.first_record = static_cast<uint32_t>(join_->places_.size());
  size_t sum = 0, largest = 0;
  for (const ImageRecord& record : image_.records().subspan(from.first_record, from.record_count)) {
    const auto rdata = image_.bytes_of(record.rdata);
    std::array<uint8_t, 10> head;
    store_big16(&head[0], from.type);
    store_big16(&head[2], dns::IN);
    store_big32(&head[4], from.ttl);
    store_big16(&head[8], static_cast<uint16_t>(rdata.size()));
    join_->places_.push_back(
        {static_cast<uint32_t>(join_->wire_.size()), static_cast<uint32_t>(head.size() + rdata.size())});
    join_->wire_.insert(join_->wire_.end(), head.begin(), head.end());
    join_->wire_.insert(join_->wire_.end(), rdata.begin(), rdata.end());
    const size_t size = 2 + head.size() + rdata.size();
    sum += size;
    largest = std::max(largest, size);
  }
  set.record_bytes = static_cast<uint32_t>(largest);
  set.answer_bytes = static_cast<uint32_t>(set.drawn ? largest * set.max_records : sum);
}

void JoinBuilder::make_draw(const ImageRRset& from, ReadySet& set) {
  std::vector<uint32_t> weights, values;
  for (const ImageRecord& record : image_.records().subspan(from.first_record, from.record_count)) {
    weights.push_back(record.weight);
    values.push_back(from.type == dns::A ? load<uint32_t>(image_.bytes_of(record.rdata).data())
                                         : static_cast<uint32_t>(values.size()));
  }
  const size_t slot_at = join_->slots_.size(), before_at = join_->before_.size();
  join_->slots_.resize(slot_at + weights.size());
  join_->before_.resize(before_at + weights.size() + 1);
  build_draw(weights, values, std::span(join_->slots_).subspan(slot_at), std::span(join_->before_).subspan(before_at));
  set.draw = {join_->slots_.data() + slot_at, join_->before_.data() + before_at, from.record_count};
}

std::optional<Refusal> JoinBuilder::make_zone(uint32_t index) {
  const ImageZone& zone = image_.zones()[index];
  selectors_.clear();
  reached_.assign(image_.selectors().size(), false);
  levels_ = {};
  any_row_ = false;
  for (const ImageNode& node : image_.nodes().subspan(zone.first_node, zone.node_count))
    for (const ImageNodeType& type : image_.node_types().subspan(node.first_type, node.type_count))
      selectors_.push_back(type.selector);
  std::sort(selectors_.begin(), selectors_.end());
  selectors_.erase(std::unique(selectors_.begin(), selectors_.end()), selectors_.end());
  for (const uint32_t selector : selectors_) collect(selector);
  if (auto refusal = read_targets(zone.targeting)) return refusal;
  if (auto refusal = make_classes(zone.targeting)) return refusal;
  make_rows();

  const ImageRRset& soa = image_.rrsets()[zone.soa];
  const auto rdata = image_.bytes_of(image_.records()[soa.first_record].rdata);
  ReadyZone ready{};
  ready.soa = zone.soa;
  ready.negative_ttl = std::min(soa.ttl, load_big32(rdata.data() + rdata.size() - 4));
  ready.apex_length = static_cast<uint8_t>(image_.nodes()[zone.first_node].name.length);
  join_->zones_.push_back(ready);
  make_place_classes(index);
  make_nodes(index);
  return {};
}

void JoinBuilder::collect(uint32_t selector) {
  if (reached_[selector]) return;
  reached_[selector] = true;
  const ImageSelector& from = image_.selectors()[selector];
  for (const ImageEntry& entry : image_.entries().subspan(from.first_entry, from.entry_count))
    if (entry.is_alias) collect(entry.index);
}

std::optional<Refusal> JoinBuilder::read_targets(uint32_t targeting) {
  static constexpr std::array<uint32_t, geo::level_count> flags{target_asn, target_region | target_region_group,
                                                                target_country, target_continent};
  for (uint32_t selector = 0; selector < reached_.size(); ++selector) {
    if (!reached_[selector]) continue;
    const ImageSelector& from = image_.selectors()[selector];
    for (const ImageEntry& entry : image_.entries().subspan(from.first_entry, from.entry_count)) {
      const std::string_view text = image_.text_of(image_.targets()[entry.target].text);
      geo::Level level;
      if (TargetIndex::level_of(text, level)) {
        const auto at = static_cast<size_t>(level);
        levels_[at] = levels_[at] || (targeting & flags[at]) != 0;
      } else if (text != "@" && (targeting & target_ip) != 0) {
        return Refusal{"zone image", "target \"" + std::string(text) + "\"", "targets by address are not served"};
      }
    }
  }
  return {};
}

std::optional<Refusal> JoinBuilder::make_classes(uint32_t targeting) {
  constexpr size_t cells_max = size_t{1} << 28;
  std::map<Signature, uint32_t> class_of_signature;
  std::map<Column, uint32_t> class_of_column;
  static constexpr std::array<geo::Location, 1> nowhere{};
  const auto locations = map_ != nullptr ? map_->locations() : std::span<const geo::Location>(nowhere);
  columns_.clear();
  class_of_location_.clear();
  for (const geo::Location& location : locations) {
    Signature signature = targets_.signature(location, targeting);
    const auto known = class_of_signature.find(signature);
    if (known != class_of_signature.end()) {
      class_of_location_.push_back(known->second);
      continue;
    }
    evaluator_.start(signature);
    Column column;
    for (const uint32_t selector : selectors_) column.push_back(evaluator_.evaluate(selector));
    const auto [at, fresh] = class_of_column.emplace(std::move(column), static_cast<uint32_t>(columns_.size()));
    if (fresh) columns_.push_back(at->first);
    class_of_signature.emplace(std::move(signature), at->second);
    class_of_location_.push_back(at->second);
    if (columns_.size() * selectors_.size() > cells_max || columns_.size() >= (1u << 24))
      return Refusal{"zone image", "", "answers differ in too many ways between places"};
  }
  return {};
}

void JoinBuilder::make_rows() {
  std::map<Column, AnswerRef> known_rows;
  answer_of_selector_.clear();
  for (size_t i = 0; i < selectors_.size(); ++i) {
    Column row;
    for (const Column& column : columns_) row.push_back(column[i]);
    const bool alike = std::all_of(row.begin(), row.end(), [&](uint32_t cell) { return cell == row[0]; });
    AnswerRef& answer = answer_of_selector_[selectors_[i]];
    if (alike) {
      answer = AnswerRef::rrset(row[0]);
      continue;
    }
    any_row_ = true;
    const auto [at, fresh] = known_rows.emplace(row, AnswerRef::row(static_cast<uint32_t>(join_->rows_.size())));
    if (fresh) join_->rows_.insert(join_->rows_.end(), row.begin(), row.end());
    answer = at->second;
  }
}

void JoinBuilder::make_place_classes(uint32_t index) {
  std::vector<PlaceClass>& classes = join_->place_classes_.emplace_back();
  join_->class_counts_.push_back(any_row_ ? static_cast<uint32_t>(columns_.size()) : 1);
  if (!any_row_) return;
  for (const geo::Place& place : map_->places()) {
    uint8_t scope = 0;
    for (size_t level = 0; level < geo::level_count; ++level)
      if (levels_[level]) scope = std::max(scope, place.length[level]);
    classes.push_back({uint32_t{scope} << 24 | class_of_location_[place.location]});
  }
  join_->zones_[index].classes = classes.data();
}

void JoinBuilder::make_nodes(uint32_t zone_index) {
  const ImageZone& zone = image_.zones()[zone_index];
  for (uint32_t index = zone.first_node; index < zone.first_node + zone.node_count; ++index) {
    const ImageNode& from = image_.nodes()[index];
    ReadyNode& node = join_->nodes_[index];
    node.zone = static_cast<uint16_t>(zone_index);
    node.first_type = static_cast<uint32_t>(join_->types_.size());
    const auto types = image_.node_types().subspan(from.first_type, from.type_count);
    if (!types.empty() && types[0].type == 0) node.a = node.aaaa = node.other = answer_of_selector_[types[0].selector];
    for (const ImageNodeType& type : types) {
      const AnswerRef answer = answer_of_selector_[type.selector];
      if (type.type == dns::A) node.a = answer;
      if (type.type == dns::AAAA) node.aaaa = answer;
      if (type.type != 0) join_->types_.push_back({type.type, answer});
    }
    node.type_count = static_cast<uint16_t>(join_->types_.size() - node.first_type);
  }
}

Result<std::unique_ptr<const Join>> Join::build(const ZoneImage& image, const geo::Map* map) {
  if (image.zones().size() > UINT16_MAX) return Refusal{"zone image", "", "more than 65,535 zones"};
  return JoinBuilder(image, map).run();
}

} // namespace anytick::core
