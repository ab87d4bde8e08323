package io.gorgon.proving;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.message.PythonFailure;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The checker that the fault tests trust. */
class JournalCheckTest {

  @Test
  void theCheckerSeesEachKindOfViolation() {
    var journal = new Journal();
    for (String id :
        List.of(
            "well", "unanswered", "twice", "crossed", "invisible", "again", "untyped", "early")) {
      journal.asked(id, "n-" + id, 1, any -> true);
    }
    journal.answered("well", "n-well");
    journal.answered("twice", "n-twice");
    journal.answered("crossed", "n-well");
    journal.answered("invisible", "n-invisible");
    journal.answered("again", "n-again");
    journal.answered("again", "n-again");
    journal.failed("untyped", new IllegalStateException("what?"));
    journal.failed("early", new PythonFailure.Cancelled("f", false, "by its caller"));
    journal.asked("noticing", "n-noticing", 1, any -> false);
    journal.failed("noticing", new PythonFailure.Cancelled("f", true, "by its caller"));

    List<String> violations =
        journal.violations(
            List.of(
                "well n-well 1 w 0",
                "twice n-twice 1 w 0",
                "twice n-twice 2 w 0",
                "crossed n-crossed 1 w 0",
                "again n-again 1 w 0",
                "early n-early 1 w 0",
                "stranger n 1 w 0"));

    assertThat(violations)
        .hasSize(9)
        .anyMatch(line -> line.startsWith("told something untyped: untyped"))
        .anyMatch(line -> line.startsWith("told as not started, and ran: early"))
        .anyMatch(line -> line.startsWith("noticed somebody else's fault: noticing"))
        .anyMatch(line -> line.startsWith("unanswered: unanswered"))
        .anyMatch(line -> line.startsWith("run too often: twice"))
        .anyMatch(line -> line.startsWith("crossed on the way out: crossed"))
        .anyMatch(line -> line.startsWith("answered without having run: invisible"))
        .anyMatch(line -> line.startsWith("answered twice: again"))
        .anyMatch(line -> line.startsWith("invented: stranger"));
  }
}
