package io.gorgon.scoreboard;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.pool.Exploration;
import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.wire.FrameFuzz;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/** All rows, by {@code mvn -Pscoreboard verify}; see {@link Tier} for its options. */
@Tag("scoreboard")
@NeedsLayer(Layer.BRIDGE_MOCK)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class ScoreboardTest {

  private static final int LONGEST_BACKOFF = 10;

  private final Tier tier = Tier.ofProperties();
  private final Board board = new Board("scoreboard", tier);
  private final SessionStorm sessions = new SessionStorm(tier.seed());

  private Random random(int row) {
    return new Random(31 * tier.seed() + row);
  }

  @Test
  @Order(1)
  void row20_checkouts() {
    System.out.println("[scoreboard] replay with " + tier.replay());
    board.add(GrantPace.measure());
  }

  @Test
  @Order(2)
  void row10_row11_kills() {
    board.add(KillTimes.measure(random(10)));
  }

  @Test
  @Order(3)
  void row13_aFlood() {
    board.add(CheckoutFlood.measure());
  }

  @Test
  @Order(4)
  void row14_overload() {
    board.add(Overload.measure());
  }

  @Test
  @Order(5)
  void row15_deadlinesInTheLine() {
    board.add(ExpiringCheckouts.measure(random(15)));
  }

  @Test
  @Order(6)
  void row16_row17_operators() {
    board.add(CallLoad.drain(Duration.ofSeconds(5)).row(), CallLoad.resets(5).row(5));
  }

  @Test
  @Order(7)
  void row18_aShortSoak() {
    board.add(Soak.run(tier.soakSeconds(), random(18)).row());
  }

  @Test
  @Order(8)
  void row19_damagedFrames() throws IOException {
    FrameFuzz.Result result = FrameFuzz.run(random(19), tier.fuzzedFrames());
    board.add(
        Row.of(
            19,
            "1 000 000 damaged frames: exceptions escaped, memory beyond a frame's own",
            "0, ≤ 64 KiB",
            Figure.none("", result.escaped()),
            Figure.atMost("at most", result.most(), FrameFuzz.OVERHEAD, "bytes"),
            Figure.atLeast("in", result.frames(), 1_000_000, "frames")));
  }

  @Test
  @Order(9)
  void row21_everyOrderOfEvents() {
    board.add(
        Row.of(
            21,
            "states of the pool's model explored, all invariants held",
            "≥ 1 000 000",
            Figure.atLeast(
                "", Exploration.everything(tier.explorationDepth()), 1_000_000, "states")));
  }

  @Test
  @Order(10)
  void row12_aBootCrashLoop(@TempDir Path directory) throws IOException {
    board.add(
        CrashLoop.run(directory, tier.crashLoopSeconds(), LONGEST_BACKOFF).row(LONGEST_BACKOFF));
  }

  @Test
  @Order(11)
  void row22_to_row25_sessions() {
    for (int round = 0; round < tier.rounds(); round++) {
      sessions.blow(round, false, SessionPlan.IN_MEMORY, 0);
      sessions.blow(round, true, SessionPlan.ON_H2, 0);
    }
    board.add(sessions.rows(tier.rounds() * (SessionPlan.IN_MEMORY + SessionPlan.ON_H2)));
  }

  @Test
  @Order(12)
  void row01_to_row09_theStorm() throws IOException, InterruptedException {
    var storm = new Storm(tier.seed());
    storm.count(sessions);
    for (int round = 0; round < tier.rounds(); round++) {
      storm.blow(round);
    }
    long alive = KilledJvms.kill(tier.jvmKills(), random(8)).size();
    board.add(storm.rows(alive, tier.jvmKills()));
  }

  @Test
  @Order(13)
  void theTable() throws IOException {
    board.write();

    assertThat(board.rows())
        .extracting(Row::number)
        .as("every row was measured")
        .containsExactlyElementsOf(IntStream.rangeClosed(1, Board.ROWS).boxed().toList());
    List<String> published = board.publishedRows();
    assertThat(published).as("the README's table has the same rows").hasSize(Board.ROWS);
    for (Row row : board.rows()) {
      assertThat(published.get(row.number() - 1))
          .startsWith("| " + row.number() + " | " + row.figure() + " | " + row.target() + " | ");
    }
    assertThat(board.rows().stream().filter(Row::failsTheRun).map(Row::figure))
        .as("rows that fail the run; replay with " + tier.replay())
        .isEmpty();
  }
}
