package io.gorgon.message;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import io.gorgon.message.PythonFailure.PythonRaised;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.junit.jupiter.api.Test;

/** An exception as its body tells it, and as a Java exception shows it. */
class PythonExceptionTest {

  private static final WorkerId WORKER = new WorkerId("p", 0, 1);

  private static PythonException read(String json) {
    try {
      return PythonException.from(new ObjectMapper().readTree(json.replace('\'', '"')));
    } catch (JsonProcessingException broken) {
      throw new AssertionError(broken);
    }
  }

  private static final PythonException GROUP =
      read(
          """
          {'type': 'ExceptionGroup', 'module': 'builtins', 'message': 'two (2 sub-exceptions)',
           'mro': ['builtins.ExceptionGroup', 'builtins.Exception', 'builtins.object'],
           'notes': ['first', 'second\\nin two lines'],
           'frames': [{'file': 'a.py', 'line': 1, 'function': 'outer', 'text': 'inner()'},
                      {'file': 'a.py', 'line': 9, 'function': 'inner', 'text': 'raise'}],
           'cause': {'type': 'KeyError', 'message': 'why', 'mro': ['builtins.KeyError']},
           'context': {'type': 'TypeError', 'message': 'not shown'},
           'group': [{'type': 'SoldOut', 'module': 'shop', 'message': 'one',
                      'mro': ['shop.SoldOut', 'builtins.Exception']},
                     {'type': 'ExceptionGroup', 'message': 'inner',
                      'group': [{'type': 'OSError', 'message': 'deep'}]}],
           'traceback': 'tb'}
          """);

  @Test
  void allThatIsToldIsKept() {
    assertThat(GROUP.classes())
        .containsExactly("builtins.ExceptionGroup", "builtins.Exception", "builtins.object");
    assertThat(GROUP.notes()).containsExactly("first", "second\nin two lines");
    assertThat(GROUP.group())
        .extracting(PythonException::describe)
        .containsExactly("SoldOut: one", "ExceptionGroup: inner");
    assertThat(GROUP.group().get(1).group())
        .singleElement()
        .extracting(PythonException::type)
        .isEqualTo("OSError");
    assertThat(GROUP.cause()).extracting(PythonException::message).isEqualTo("why");
  }

  @Test
  void whatIsMissingReadsAsEmpty() {
    PythonException nothing = PythonException.from(MissingNode.getInstance());

    assertThat(nothing.type()).isEqualTo("Exception");
    assertThat(nothing.classes()).isEmpty();
    assertThat(nothing.group()).isEmpty();
    assertThat(nothing.cause()).isNull();
  }

  @Test
  void aClassIsWhatItInheritsFrom() {
    var raised = new PythonRaised("m:f", WORKER, GROUP.group().get(0));

    assertThat(raised.isA("shop.SoldOut")).isTrue();
    assertThat(raised.isA("Exception")).isTrue();
    assertThat(raised.isA("builtins.Exception")).isTrue();
    assertThat(raised.isA("SoldOut")).isFalse();
    assertThat(raised.isA("ValueError")).isFalse();
  }

  @Test
  void theStackTraceOfAJavaExceptionShowsFramesNotesCauseAndGroup() {
    var text = new StringWriter();
    new PythonRaised("m:f", WORKER, GROUP).printStackTrace(new PrintWriter(text));

    assertThat(text.toString().lines().map(String::strip))
        .containsExactly(
            PythonRaised.class.getName()
                + ": m:f raised ExceptionGroup: two (2 sub-exceptions) (worker p/0.1)",
            "notes:",
            "| first",
            "| second",
            "| in two lines",
            "at python.inner(a.py:9)",
            "at python.outer(a.py:1)",
            "Suppressed: "
                + PythonRaised.class.getName()
                + ": m:f raised SoldOut: one (worker p/0.1)",
            "Suppressed: "
                + PythonRaised.class.getName()
                + ": m:f raised ExceptionGroup: inner (worker p/0.1)",
            "Suppressed: "
                + PythonRaised.class.getName()
                + ": m:f raised OSError: deep (worker p/0.1)",
            "Caused by: "
                + PythonRaised.class.getName()
                + ": m:f raised KeyError: why (worker p/0.1)");
  }

  @Test
  void theCallersFramesComeBehindPythonsInACopy() {
    var raised = new PythonRaised("m:f", WORKER, GROUP);
    var here = new StackTraceElement("shop.Main", "main", "Main.java", 7);

    var called = raised.calledFrom(here);

    assertThat(called.getStackTrace())
        .extracting(StackTraceElement::getMethodName)
        .containsExactly("inner", "outer", "main");
    assertThat(called).hasMessage(raised.getMessage()).hasCause(raised.getCause());
    assertThat(called.getSuppressed()).isEqualTo(raised.getSuppressed());
    assertThat(called.exception()).isSameAs(raised.exception());
    assertThat(raised.getStackTrace()).hasSize(2);
    assertThat(List.of(called.calledFrom(here).getStackTrace())).hasSize(3);
  }
}
