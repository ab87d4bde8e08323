package io.gorgon.tool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** Sets of tools by their names. */
class ToolsTest {

  private static final Tool FIRST = call -> CompletableFuture.completedFuture(1);
  private static final Tool SECOND = call -> CompletableFuture.completedFuture(2);

  @Test
  void toolsAreFoundByTheirNamesWhichStandInTheirOrder() {
    Tools tools = Tools.NONE.withAsync("b", FIRST).withAsync("a", SECOND);

    assertThat(tools.find("b")).containsSame(FIRST);
    assertThat(tools.find("a")).containsSame(SECOND);
    assertThat(tools.find("c")).isEmpty();
    assertThat(tools.names()).containsExactly("b", "a");
    assertThat(tools).hasToString("Tools[b, a]");
  }

  @Test
  void addingMakesAnotherSet() {
    Tools one = Tools.NONE.withAsync("a", FIRST);
    one.withAsync("b", SECOND);

    assertThat(Tools.NONE.names()).isEmpty();
    assertThat(one.names()).containsExactly("a");
  }

  @Test
  void theLaterOneOfANameGoesBefore() {
    Tools tools = Tools.NONE.withAsync("a", FIRST).withAsync("a", SECOND);

    assertThat(tools.find("a")).containsSame(SECOND);
    assertThat(Tools.NONE.withAsync("a", FIRST).with(tools).find("a")).containsSame(SECOND);
  }

  @Test
  void twoSetsMakeOneAndNoneAddsNothing() {
    Tools one = Tools.NONE.withAsync("a", FIRST);
    Tools both = one.with(Tools.NONE.withAsync("b", SECOND));

    assertThat(both.names()).containsExactly("a", "b");
    assertThat(one.with(Tools.NONE)).isSameAs(one);
  }

  @Test
  void aToolNeedsAName() {
    assertThatThrownBy(() -> Tools.NONE.with(" ", call -> 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("a tool needs a name");
  }

  @Test
  void theNamesCannotBeChangedFromOutside() {
    Tools tools = Tools.NONE.withAsync("a", FIRST);

    assertThatThrownBy(() -> tools.names().remove("a"))
        .isInstanceOf(UnsupportedOperationException.class);
  }
}
