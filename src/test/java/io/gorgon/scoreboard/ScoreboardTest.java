package io.gorgon.scoreboard;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("scoreboard")
class ScoreboardTest {
  @Test
  void storm() {
    var storm = new Storm(Tier.ofProperties().seed());
    storm.blow(0);
    new Board(Tier.ofProperties()).add(storm.rows(0, 20));
  }
}
