package io.gorgon.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.BadArguments;
import io.gorgon.message.PythonFailure.Cancelled;
import io.gorgon.message.PythonFailure.NotSerializable;
import io.gorgon.message.PythonFailure.ProtocolViolation;
import io.gorgon.message.PythonFailure.PythonRaised;
import io.gorgon.message.PythonFailure.TooLarge;
import io.gorgon.message.PythonFailure.UnknownTarget;
import io.gorgon.message.WorkerId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Each kind of failure that Python writes, and bodies that make no sense. */
class FailureBodyTest {

  private static final WorkerId WORKER = new WorkerId("p", 1, 2);

  private static PythonFailure read(String json) {
    try {
      return FailureBody.read("m:f", WORKER, new ObjectMapper().readTree(json.replace('\'', '"')));
    } catch (JsonProcessingException broken) {
      throw new AssertionError(broken);
    }
  }

  @Test
  void whatWasRaisedKeepsTypeMessageAndFrames() {
    var failure =
        (PythonRaised)
            read(
                "{'kind':'raised','type':'ValueError','module':'builtins','message':'no',"
                    + "'frames':[{'file':'a.py','line':3,'function':'f','text':'x'}],"
                    + "'cause':{'type':'KeyError','message':'k'},'traceback':'tb'}");

    assertThat(failure.type()).isEqualTo("ValueError");
    assertThat(failure).hasMessageContaining("m:f").hasMessageContaining("p/1.2");
    assertThat(failure.getStackTrace()[0].getLineNumber()).isEqualTo(3);
    assertThat(failure.getCause())
        .isInstanceOf(PythonRaised.class)
        .hasMessageContaining("KeyError");
    assertThat(failure.traceback()).isEqualTo("tb");
  }

  @ParameterizedTest
  @EnumSource
  void anUnknownTargetTellsItsReason(UnknownTarget.Reason reason) {
    var failure =
        (UnknownTarget)
            read(
                "{'kind':'unknown_target','reason':'"
                    + reason
                    + "','message':'why','failure':null}");

    assertThat(failure.reason()).isEqualTo(reason);
    assertThat(failure.exception()).isNull();
    assertThat(failure).hasMessageContaining("'m:f'").hasMessageContaining("why");
  }

  @Test
  void aFailedImportBringsWhatTheModuleRaised() {
    var failure =
        (UnknownTarget)
            read(
                "{'kind':'unknown_target','reason':'IMPORT_FAILED','message':'why',"
                    + "'failure':{'type':'OSError'}}");

    assertThat(failure.exception()).isNotNull();
    assertThat(failure.exception().type()).isEqualTo("OSError");
  }

  @Test
  void aReasonThatNobodyKnowsIsAViolation() {
    assertThatThrownBy(() -> read("{'kind':'unknown_target','reason':'MOOD'}"))
        .isInstanceOf(ProtocolViolation.class)
        .hasMessageContaining("MOOD");
  }

  @Test
  void badArgumentsTellTheSignature() {
    assertThat(read("{'kind':'bad_arguments','signature':'(x)','message':'missing x'}"))
        .isInstanceOf(BadArguments.class)
        .hasMessageStartingWith("m:f(x) does not take these arguments: missing x");
  }

  @Test
  void whatCannotTravelTellsPathAndType() {
    var failure =
        (NotSerializable)
            read("{'kind':'not_serializable','path':'$.a','type':'set','message':'no form'}");

    assertThat(failure.path()).isEqualTo("$.a");
    assertThat(failure).hasMessageContaining("set: no form").hasMessageContaining("result of m:f");
  }

  @Test
  void whatIsTooLargeTellsBothNumbers() {
    var failure = (TooLarge) read("{'kind':'too_large','size':5000000000,'limit':100}");

    assertThat(failure.size()).isEqualTo(5_000_000_000L);
    assertThat(failure.limit()).isEqualTo(100);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void whatWasCancelledTellsWhetherItRan(boolean started) {
    var failure = (Cancelled) read("{'kind':'cancelled','started':" + started + "}");

    assertThat(failure.started()).isEqualTo(started);
  }

  @Test
  void whatPythonSaysAboutABrokenRequestIsNotLost() {
    assertThat(read("{'kind':'protocol','message':'args is no list'}"))
        .isInstanceOf(ProtocolViolation.class)
        .hasMessageContaining("args is no list");
  }

  @ParameterizedTest
  @ValueSource(strings = {"{}", "[]", "null", "7", "{'kind':'mood'}", "{'kind':null}"})
  void anythingElseIsAViolation(String body) {
    assertThat(read(body)).isInstanceOf(ProtocolViolation.class);
  }

  @Test
  void everyKindThatPythonWritesIsRead() throws IOException {
    var kinds = new TreeSet<String>();
    var kind = Pattern.compile("\"kind\": \"([a-z_]+)\"");
    var source = Path.of("python-bridge/src/gorgon/_failures.py");
    kind.matcher(Files.readString(source)).results().forEach(found -> kinds.add(found.group(1)));

    assertThat(kinds).contains("raised", "protocol").hasSizeGreaterThan(5);
    for (String name : kinds) {
      PythonFailure failure =
          read("{'kind':'" + name + "','reason':'MALFORMED','message':'words of Python'}");
      assertThat(failure.getMessage()).as(name).doesNotContain("failure of kind");
    }
  }
}
