"""bridges.yaml: what works is run, every mistake is named with its place."""

import json
import re
import shutil
import subprocess

import pytest

from harness.bridge import ROOT, SCHEMA, chosen

#: A marked line holds a mistake.
MISTAKES = r"""account:
  jid: "two@@signs"                      # here
  password: {env: XMPP_BRIDGE_PASSWORD}
bridges:
  - name: one
    from: stdin
    tto: [xmpp:a@example.org]            # here
    to: xmpp:a@example.org
  - name: two
    from: stdin
    match: '('                           # here
    to: xmpp:a@example.org
  - name: three
    from: stdin
    to: stdin                            # here
  - name: four
    from: stdin
    match: '(?<level>\w+)'
    to: xmpp:a@example.org
    body: "{level} {nope}"               # here
"""
GOOD = """account: {{jid: {jid}, password: {{file: /nonexistent/password}}}}
bridges:
  - {{name: lines, from: stdin, to: "xmpp:{to}"}}
"""


@pytest.mark.parametrize("arguments", [["check"], ["run"], ["--to", "ops@localhost"], []], ids=str)
def test_every_mistake_is_named_in_one_go(lone_bridge, tmp_path, arguments):
    file = tmp_path / "bad.yaml"
    file.write_text(MISTAKES)
    run = lone_bridge.run(*arguments, "--config", str(file), input="hi\n").ended_with(78)
    places = [re.match(r"(?:xmpp-bridge: )?(.*?):(\d+):(\d+): (\S.*)", line) for line in run.complaints]
    assert all(places), run.err
    assert {place[1] for place in places} == {str(file)}
    expected = [number for number, line in enumerate(MISTAKES.splitlines(), 1) if line.endswith("# here")]
    assert sorted({int(place[2]) for place in places}) == expected, run.err
    assert run.out == "" and run.seconds < 5


@pytest.mark.parametrize("text", ["bridges: [", "\tbridges: {}", "bridges: 7", "- a", "a: &x [*x]", "\x00"])
def test_what_is_no_configuration(lone_bridge, tmp_path, text):
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    run = lone_bridge.run("check", "--config", str(file)).ended_with(78)
    assert re.match(rf"(xmpp-bridge: )?{re.escape(str(file))}:\d+:\d+: ", run.complaints[0]), run.err


def test_a_file_that_is_not_there(lone_bridge, tmp_path):
    run = lone_bridge.run("--config", str(tmp_path / "none.yaml"), input="hi\n").ended_with(66, 78)
    assert "none.yaml" in run.complaint


def test_check_opens_no_secret_and_no_network(lone_bridge, tmp_path):
    file = tmp_path / "good.yaml"
    file.write_text(GOOD.format(jid="user@no-such-domain.invalid", to="ops@localhost"))
    lone_bridge.run("check", "--config", str(file), XMPP_BRIDGE_SERVER=None).ended_with(0)


def test_rules_choose_and_shape_lines(bridge, peer, tmp_path):
    file = tmp_path / "bridges.yaml"
    file.write_text(
        "account: {password: {env: XMPP_BRIDGE_PASSWORD}}\n"
        "bridges:\n"
        "  - name: errors\n"
        "    from: stdin\n"
        r"    match: '\[(?<level>error|crit)\] (?<text>.*)'" + "\n"
        f"    to: xmpp:{peer.jid}\n"
        '    body: "{level}: {text} {{whole: {line}}}"\n'
        "  - name: json\n"
        "    from: stdin\n"
        "    match: '^\\{'\n"
        f"    to: xmpp:{peer.jid}\n"
        '    body: "{json.user.name} did {json.what}"\n'
    )
    lines = ["x [info] no", "y [error] disk full", '{"user": {"name": "ann"}, "what": "login"}', "z [crit] fire"]
    bridge.run("--config", str(file), input="".join(line + "\n" for line in lines)).ended_with(0)
    peer.wait_for_messages(3, 10)
    assert peer.bodies == [
        "error: disk full {whole: y [error] disk full}", "ann did login", "crit: fire {whole: z [crit] fire}",
    ]  # fmt: skip


def test_events_by_a_file(bridge, peer, tmp_path):
    file = tmp_path / "bridges.yaml"
    file.write_text(
        "account: {password: {env: XMPP_BRIDGE_PASSWORD}}\n"
        "presence: {show: away, status: two bridges up}\n"
        "bridges:\n"
        "  - {name: events, from: events, to: stdout}\n"
        f"  - {{name: lines, from: stdin, to: 'xmpp:{peer.jid}'}}\n"
    )
    running = bridge.start("--config", str(file))
    own = running.online()["jid"]
    running.write("line\n")
    peer.wait_for_messages(1, 10)
    peer.send(own, "answer")
    running.event("message", body="answer", jid=peer.jid)
    running.end_input()
    running.signal()
    run = running.end().ended_with(0)
    assert chosen(run.events, "session", state="online")


def test_messages_of_one_to_stdout(bridge, peer, tmp_path):
    file = tmp_path / "bridges.yaml"
    file.write_text(
        "account: {password: {env: XMPP_BRIDGE_PASSWORD}}\n"
        "bridges:\n"
        f"  - {{name: chat, from: 'xmpp:{peer.jid}', to: stdout, body: '<{{from}}> {{body}}'}}\n"
    )
    running = bridge.start("--config", str(file))
    peer.send(bridge.account.jid, "for the pipe")
    assert running.line() == f"<{peer.full_jid}> for the pipe\n"
    running.signal()
    running.end().ended_with(0)


def test_the_order_of_configurations(bridge, peer, tmp_path):
    """--config, $XMPP_BRIDGE_CONFIG, $XDG_CONFIG_HOME/xmpp-bridge/bridges.yaml; flags stand over them."""
    bad = tmp_path / "bad.yaml"
    bad.write_text("nonsense: 1\n")
    good = tmp_path / "config/xmpp-bridge/bridges.yaml"
    good.parent.mkdir(parents=True)
    good.write_text(GOOD.format(jid="someone-else@localhost", to=peer.jid).replace("{file: /nonexistent/password}",
                                                                                   "{env: XMPP_BRIDGE_PASSWORD}"))
    bridge.run(input="found by its place\n").ended_with(0)
    peer.wait_for_messages(1, 10)
    assert peer.messages[0].bare == bridge.account.jid, "the environment stands over the file"
    bridge.run(input="x\n", XMPP_BRIDGE_CONFIG=str(bad)).ended_with(78)
    bridge.run("--config", str(good), input="x\n", XMPP_BRIDGE_CONFIG=str(bad)).ended_with(0)


def test_lines_that_no_rule_takes_are_an_error_at_the_start(bridge, peer, tmp_path):
    file = tmp_path / "bridges.yaml"
    file.write_text(
        "account: {password: {env: XMPP_BRIDGE_PASSWORD}}\n"
        f"bridges:\n  - {{name: pipe, from: 'fifo:{tmp_path}/fifo', to: 'xmpp:{peer.jid}'}}\n"
    )
    run = bridge.run("--config", str(file), input="nobody wants this\n").ended_with(64, 78)
    assert run.seconds < 5


@pytest.mark.parametrize("arguments", [[], ["--events"], ["--from", "ops@localhost"]], ids=str)
def test_lines_for_a_run_that_only_prints(bridge, arguments):
    run = bridge.run(*arguments, input="nobody wants this\n").ended_with(64)
    assert "standard input" in run.err


def test_the_schema_is_printed(lone_bridge):
    run = lone_bridge.run("schema").ended_with(0)
    assert json.loads(run.out) == json.loads(SCHEMA.read_text())


@pytest.mark.parametrize("mode, told", [(0o644, True), (0o640, False), (0o600, False)])
def test_a_password_that_everybody_can_read_is_warned_of(lone_bridge, tmp_path, mode, told):
    file = tmp_path / "bridges.yaml"
    file.write_text("account: {jid: a@example.org, password: pencil}\nbridges:\n  - {from: stdin, to: stdout}\n")
    file.chmod(mode)
    run = lone_bridge.run("check", str(file)).ended_with(0)
    expected = "everybody on this machine can read this password; " if told else "the password stands in the file itself; "
    [line] = run.complaints
    assert line.startswith(f"{file}:1:41: {expected}")
    assert "pencil" not in run.err + run.out


HOSTILE = r"""
bridges:
  - {name: 'a"]; evil [label="x', from: stdin, match: '"\\\\N\G\\l &lt;b&gt; <b>x</b> | {}', to: "xmpp:a@b"}
  - {name: "end", from: "fifo:/tmp/a\"b", to: "fifo:/tmp/a\"b"}
  - {name: "`**b**` %%{init: {}}%% #quot; --> x", from: stdin, to: "file:/tmp/x -> y; z"}
  - {name: "\u202eevil\ttab\\", from: events, to: stdout}
"""


@pytest.mark.parametrize("which", ["example", "hostile"])
def test_the_bridges_as_a_picture(lone_bridge, tmp_path, which):
    file = tmp_path / "bridges.yaml"
    file.write_text(HOSTILE if which == "hostile" else (ROOT / "bridges.example.yaml").read_text())
    dot = lone_bridge.run("check", "--graph", "dot", str(file)).ended_with(0).out
    mermaid = lone_bridge.run("check", "--graph", "mermaid", str(file)).ended_with(0).out
    rules, ends, arrows = (4, 6, 8) if which == "hostile" else (14, 12, 29)
    assert len(re.findall(r"^  r\d+ \[", dot, re.M)) == len(re.findall(r"^  r\d+\[", mermaid, re.M)) == rules
    assert len(re.findall(r"^  e\d+ \[", dot, re.M)) == len(re.findall(r"^  e\d+\(\[", mermaid, re.M)) == ends
    assert len(re.findall(r"^  \w+ -> \w+;$", dot, re.M)) == len(re.findall(r"^  \w+ --> \w+$", mermaid, re.M)) == arrows
    if shutil.which("dot"):
        drawn = json.loads(subprocess.run(["dot", "-Tjson"], input=dot, capture_output=True, text=True, check=True).stdout)
        assert len(drawn["objects"]) == rules + ends and len(drawn["edges"]) == arrows
        if which == "hostile":
            shown = {text["text"] for node in drawn["objects"] for text in node["_ldraw_"] if text["op"] == "T"}
            assert {'a"]; evil [label="x', r'match: "\\\\N\G\\l &lt;b&gt; <b>x</b> | {}', r"\u{202e}evil\u{9}tab" + "\\"} <= shown


def test_a_file_with_mistakes_is_no_picture(lone_bridge, tmp_path):
    file = tmp_path / "bad.yaml"
    file.write_text("bridges: [{from: stdin, tto: stdout}]\n")
    assert lone_bridge.run("check", "--graph", "dot", str(file)).ended_with(78).out == ""
