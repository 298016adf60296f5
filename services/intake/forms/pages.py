"""The pages of every form: the start page, the questions one a page, the last pages, and the way between them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from services.intake.evidence.dependencies import evidence_parts
from services.intake.forms import abuse, questions
from services.intake.forms import files as form_files
from services.intake.forms.domain import Answers, Draft, DraftFile, Saved, one
from services.intake.forms.forms import Form, find_errors, is_answered, picked, rows, sent_report, switched
from services.intake.forms.handlers import forget_draft, keep_draft, keep_sent, move_draft, save_draft
from services.intake.forms.questions import FIELD, SWITCH
from services.intake.forms.sent_files import AttachmentParts, add_files, sent_files
from services.intake.forms.session import (
    FormDep,
    FormParts,
    FormSession,
    FormSessionDep,
    draft_cookie,
    routes_of,
    session_of,
)
from services.intake.forms.steps import Step, after, before, first_open, progress, reachable, steps_for
from services.intake.reports.access import client_of, give_status_token, remove_status_token
from services.intake.reports.dependencies import Submit, submit_in
from services.intake.reports.domain import Refusal, ReportRefused
from services.intake.settings import OfficialChannel
from shared.auth.guard import Anyone, anyone, current_principal, requires
from shared.ids import Ids, ReceiptCode, Reference
from shared.runtime import parts_of
from shared.web.dependencies import IdsDep, Now, Transaction
from shared.web.forms import FormErrors, FormReader
from shared.web.pages import render, work_of
from shared.web.problems import standard_problem

router = APIRouter(include_in_schema=False, dependencies=[Depends(anyone)])
"""The pages that are not of every form."""
form_router = APIRouter(include_in_schema=False)
"""The pages of one form. Fixed paths come first: a question's path matches any word."""
CONTINUE = "/report/continue"
_NO_SUCH_CODE = "Check the code. We cannot find answers with it: they may have been sent or deleted"
_TOO_MANY = "There were too many wrong codes. Wait a minute, then try again"


def form_routes(forms: Iterable[Form]) -> APIRouter:
    """Return the routes of `forms`."""
    every = APIRouter()
    for form in forms:
        who = Depends(anyone) if form.open_to_all else requires(form.needs)
        every.include_router(form_router, prefix=form.base, dependencies=[Depends(routes_of(form)), who])
    return every


@router.get("/")
def start_page(request: Request) -> Response:
    """Ask what has happened, with a way on for every answer."""
    work = work_of(current_principal(request))
    return render(request, "forms/start.html", work=work, open_to_all=_open_to_all(request))


@router.get(f"{abuse.FORM.base}/help-now")
def help_now(request: Request) -> Response:
    """Show what to do first where it is not safe. It never stops a report (Sc-b)."""
    back = f"{abuse.FORM.base}/{abuse.SAFETY.slug}"
    return render(request, "abuse/help-now.html", form=abuse.FORM, back=back)


@router.get(CONTINUE)
async def ask_for_code(request: Request) -> Response:
    """Ask for the code of answers that were saved."""
    return render(request, "forms/continue.html")


@router.post(CONTINUE)
async def go_on(request: Request, session: Transaction, now: Now) -> Response:
    """Move the answers to this browser, and go on with the first question that is open.

    A wrong code, a used one and an expired one get the same refusal. Wrong codes are limited for each address, and not
    for all together: no one guesses 100 bits, and a stranger must not close the page for
    all others.
    """
    parts, client = parts_of(request, FormParts), client_of(request)
    code = ReceiptCode.parse((await FormReader.posted(request)).first("code"))
    if wait := parts.wrong_draft_codes.wait(client, client):
        return _no_such_code(request, 429, _TOO_MANY, {"retry-after": str(wait)})
    moved = await move_draft(session, code, now, parts.forms)
    if not moved:
        if code:
            parts.wrong_draft_codes.failed(client, client)
        return _no_such_code(request, 404 if code else 422, _NO_SUCH_CODE if code else "Enter your code")
    cookie, draft = moved
    form = parts.forms[draft.form]
    response = RedirectResponse(f"{form.base}/{_goes_on_at(form, draft)}", 303)
    draft_cookie(form).give(response, cookie, secure=parts.settings.secure)
    return response


def _no_such_code(request: Request, status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    page = render(request, "forms/continue.html", status, errors=FormErrors({"code": message}))
    page.headers.update(headers or {})
    return page


def _goes_on_at(form: Form, draft: Draft) -> str:
    opened = first_open(form.steps, draft.answers, draft.done)
    return opened.slug if opened else "check"


@form_router.get("/check")
async def check(request: Request, session: FormSessionDep) -> Response:
    """Show all answers, each with a link to change it."""
    if opened := first_open(session.form.steps, session.answers, session.done):
        return RedirectResponse(f"{session.form.base}/{opened.slug}", 303)
    return _check_page(request, session, ())


@form_router.post("/check")
async def send(request: Request, form: FormDep, principal: Anyone, now: Now) -> Response:
    """Send the report, then its files, which may take longer than its sender waits.

    A second click waits for the first and is shown the same report.
    """
    parts = parts_of(request, AttachmentParts)
    async with parts.database.transaction() as transaction:
        session = await (await session_of(request, principal, transaction, now)).locked()
        if not session.begun or not (session.is_sent or _is_answered(session)):
            return RedirectResponse(f"{form.base}/check", 303)
        try:
            submit = submit_in(request, transaction, now)
            session = session if session.is_sent else await _submitted(session, submit, parts.ids)
        except ReportRefused as refused:
            return _check_page(request, session, refused.refusals)
    await add_files(parts, session.cookie)
    response = RedirectResponse(f"{form.base}/sent", 303)
    if session.draft.sent:
        give_status_token(request, response, Reference(session.draft.sent.reference), now)
    return response


def _is_answered(session: FormSession) -> bool:
    return first_open(session.form.steps, session.answers, session.done) is None


@form_router.post("/files")
async def send_files_again(request: Request, form: FormDep) -> Response:
    """Send again the files of a report that could not be taken at the time."""
    parts = parts_of(request, AttachmentParts)
    await add_files(parts, draft_cookie(form).value(request, secure=parts.settings.secure))
    return RedirectResponse(f"{form.base}/sent", 303)


@form_router.get("/sent")
async def sent(request: Request, session: FormSessionDep) -> Response:
    """Show what was sent, for an hour."""
    form = session.form
    if session.draft.sent is None:
        return RedirectResponse("/report/track", 303)
    return render(
        request,
        form.sent,
        form=form,
        report=session.draft.sent,
        files=await sent_files(session.transaction, session.draft, session.now),
        official=_official(request, form),
    )


@form_router.post("/save")
async def save(request: Request, session: FormSessionDep, ids: IdsDep) -> Response:
    """Keep all answers for a week: from the last page, or with a new code in place of one that was lost."""
    anew = "new_code" in (await FormReader.posted(request)).typed
    session = await session.locked()
    if not session.begun or session.is_sent:
        return RedirectResponse(f"{session.form.base}/sent" if session.is_sent else session.form.base, 303)
    return await _saved_page(request, session, ids, back=_goes_on_at(session.form, session.draft), anew=anew)


@form_router.post("/leave")
async def leave(session: FormSessionDep) -> Response:
    """Let this browser forget the answers; the code still opens them."""
    response = RedirectResponse("/", 303)
    session.forget_cookie(response)
    return response


@form_router.post("/forget")
async def forget(request: Request, session: FormSessionDep) -> Response:
    """Delete the answers, or what was sent, and the status page's token: someone else may use this device next."""
    if not session.is_sent:
        await form_files.forget_files(evidence_parts(request), session.draft.files)
    await forget_draft(session.transaction, session.cookie)
    response = RedirectResponse("/", 303)
    session.forget_cookie(response)
    remove_status_token(response, secure=session.secure)
    return response


@form_router.get("")
def first_question(form: FormDep) -> Response:
    """Begin with the first question."""
    return RedirectResponse(f"{form.base}/{form.steps[0].slug}", 303)


def _step(slug: str, form: FormDep) -> Step:
    step = form.step(slug)
    if step is None:
        raise standard_problem(404)
    return step


StepDep = Annotated[Step, Depends(_step)]


@form_router.get("/{slug}")  # noqa: FAST003 - StepDep takes it
async def show(request: Request, step: StepDep, session: FormSessionDep) -> Response:
    """Show a question with what was answered before."""
    if not reachable(session.form.steps, step, session.answers, session.done):
        opened = first_open(session.form.steps, session.answers, session.done) or session.form.steps[0]
        return RedirectResponse(f"{session.form.base}/{opened.slug}", 303)
    return _question_page(request, step, session.answers, FormErrors(), session)


@form_router.post(f"/{questions.EVIDENCE.slug}")
async def answer_with_files(request: Request, form: FormDep, principal: Anyone, now: Now, ids: IdsDep) -> Response:
    """Like `answer`, with files, which may take minutes to arrive."""
    parts, step = evidence_parts(request), _step(questions.EVIDENCE.slug, form)
    async with parts.database.transaction() as transaction:
        before = await session_of(request, principal, transaction, now)
    if not before.begun:
        return RedirectResponse(form.base, 303)  # its files would belong to nothing
    posted = await form_files.posted_files(request, before)
    async with parts.database.transaction() as transaction:
        session = await (await session_of(request, principal, transaction, now)).locked()
        changed = posted.changed(session.draft) if session.begun else form_files.Changed((), posted.added)
        if session.is_sent and session.cookie:
            await keep_sent(transaction, session.cookie, replace(session.draft, files=changed.files))
        response: Response = RedirectResponse(form.base, 303)  # what was deleted meanwhile does not come back
        if session.begun:
            response = await _answered(request, step, session, ids, posted.reader, changed.files)
    await form_files.forget_files(parts, changed.dropped)
    return response


@form_router.post("/{slug}")  # noqa: FAST003 - StepDep takes it
async def answer(request: Request, step: StepDep, session: FormSessionDep, ids: IdsDep) -> Response:
    """Keep the answer and go on, or stop here for now; or show it again with what is wrong beside it.

    Beside other tabs it adds its own answers only. A report that was sent stays sent: a page of the form that was
    open before leads to what was sent, and only the first question begins another report.
    """
    return await _answered(request, step, session, ids, await FormReader.posted(request))


async def _answered(
    request: Request,
    step: Step,
    session: FormSession,
    ids: Ids,
    reader: FormReader,
    files: Sequence[DraftFile] | None = None,
) -> Response:
    changing, errors = "change" in reader.typed, reader.errors
    begins_anew = step is session.form.steps[0] and session.is_sent and not changing
    session = await session.locked()
    if session.is_sent and not begins_anew:
        return RedirectResponse(f"{session.form.base}/sent", 303)
    answers = {**session.answers, **picked(step, reader)}
    find_errors(session.form, step, answers, session.now, signed_in=session.principal is not None, errors=errors)
    if "save" in reader.typed:
        session = await session.keep(answers, session.done - {step.slug}, files)  # the page to come back to
        return await _saved_page(request, session, ids, back=step.slug)
    if files is not None and (errors or not {form_files.ADD, form_files.REMOVE}.isdisjoint(reader.typed)):
        session = await session.keep(answers, session.done, files)
    if errors:
        return _question_page(request, step, answers, errors, session)
    if files is not None and not {form_files.ADD, form_files.REMOVE}.isdisjoint(reader.typed):
        return RedirectResponse(f"{session.form.base}/{step.slug}{'?change=yes' if changing else ''}", 303)
    if one(answers, FIELD) == SWITCH and FIELD in step.fields:
        return await _switch(request, session, answers)
    response = RedirectResponse(_next(step, answers, session, changing=changing), 303)
    (await session.keep(answers, {*session.done, step.slug}, files)).give_cookie(response)
    return response


async def _saved_page(request: Request, session: FormSession, ids: Ids, *, back: str, anew: bool = False) -> Response:
    """Show the code that opens the answers in any browser, this once."""
    cookie, form = session.cookie or "", session.form.name
    saved = await save_draft(session.transaction, cookie, form, session.now, ids.receipt_code, anew=anew)
    continue_at = f"{parts_of(request, FormParts).settings.public_url}{CONTINUE}"
    page = render(
        request,
        "forms/saved.html",
        form=session.form,
        saved=saved,
        back=f"{session.form.base}/{back}",
        continue_at=continue_at,
        mail_to_self=_mail_to_self(session, saved, continue_at),
    )
    session.give_cookie(page)
    return page


def _mail_to_self(session: FormSession, saved: Saved, continue_at: str) -> str | None:
    """Return a link that begins an email to one's own address; None without a sign-in, or for an anonymous report.

    The person's own program sends it: the code goes through no service and no log of ours.
    """
    address = session.principal.email if session.principal else None
    if not address or not saved.code or questions.anonymous(session.answers):
        return None
    text = f"To go on with it, open {continue_at}#{saved.code} or enter the code {saved.code} at {continue_at}."
    return f"mailto:{quote(address)}?subject={quote('What you saved in Signpost')}&body={quote(text)}"


def _next(step: Step, answers: Answers, session: FormSession, *, changing: bool) -> str:
    form = session.form
    if (aside := form.aside(answers)) and step is form.steps[0]:
        return f"{form.base}/{aside}"
    done, answered_first = {*session.done, step.slug}, step.slug not in session.done
    skips = changing or answered_first  # what was answered on another form is not asked again
    later = first_open(form.steps, answers, done) if skips else after(form.steps, step, answers)
    return f"{form.base}/{later.slug if later else 'check'}"


async def _switch(request: Request, session: FormSession, answers: Answers) -> Response:
    """Go on with the other form, with the answers of this one: the same draft, which its code still opens."""
    source = session.form
    target = parts_of(request, FormParts).forms[next(iter(source.to_other))]
    moved = switched(answers, source, target)
    done = {step.slug for step in steps_for(target.steps, moved) if is_answered(target, step, moved, session.now)}
    opened = first_open(target.steps, moved, done)
    response = RedirectResponse(f"{target.base}/{opened.slug if opened else 'check'}", 303)
    session.forget_cookie(response)
    (await replace(session, form=target).keep(moved, done)).give_cookie(response)
    return response


def _question_page(
    request: Request, step: Step, answers: Answers, errors: FormErrors, session: FormSession
) -> Response:
    form, changing = session.form, "change" in request.query_params
    earlier = before(form.steps, step, answers)
    return render(
        request,
        step.template,
        422 if errors else 200,
        form=form,
        step=step,
        progress=progress(form.steps, step, answers),
        asks={ask.name: ask for ask in form.asks(step)},
        typed=FormReader(answers, errors),
        errors=errors,
        changing=changing,
        back=f"{form.base}/check" if changing else f"{form.base}/{earlier.slug}" if earlier else "/",
        principal=session.principal,
        official=_official(request, form) if step is form.steps[0] else None,
        elsewhere=session.cookie is not None and not session.begun,
        open_to_all=_open_to_all(request),
        **(_about_files(request, session, answers) if step.takes_files else {}),
    )


def _open_to_all(request: Request) -> frozenset[str]:
    """Return the names of the forms that can be filled in without signing in."""
    return frozenset(form.name for form in parts_of(request, FormParts).forms.values() if form.open_to_all)


def _about_files(request: Request, session: FormSession, answers: Answers) -> Mapping[str, object]:
    return {
        "files": session.draft.files,
        "limits": form_files.files_page(request, session),
        "links": form_files.links(answers),
    }


def _official(request: Request, form: Form) -> OfficialChannel | None:
    """Return where else such a report must be sent: said before the first question, and after sending."""
    return parts_of(request, FormParts).official_channels.get(form.name)


async def _submitted(session: FormSession, submit: Submit, ids: Ids) -> FormSession:
    command = session.form.to_command(session.answers, session.principal)
    report = sent_report(session.form, command, await submit(command))
    draft = Draft(sent=report, files=(*session.draft.files, *form_files.captures(session.answers, ids)))
    if session.cookie:
        await keep_draft(session.transaction, session.cookie, draft, session.now)
    return replace(session, draft=draft)


def _check_page(request: Request, session: FormSession, refusals: tuple[Refusal, ...]) -> Response:
    form, errors = session.form, FormErrors()
    asked = steps_for(form.steps, session.answers)
    for refusal in refusals:
        name = form.field_of(refusal.field)
        errors.add(next((step.slug for step in asked if step.asks_for(name)), "check"), refusal.message)
    earlier = asked[-1] if asked[-1].listed else before(form.steps, asked[-1], session.answers)
    return render(
        request,
        "forms/check.html",
        422 if errors else 200,
        form=form,
        rows=rows(
            form, session.answers, session.principal, form_files.lines_about(session.answers, session.draft.files)
        ),
        not_cleaned=form_files.not_cleaned(session.answers, session.draft.files),
        report=sent_report(form, form.to_command(session.answers, session.principal), None),
        answers=session.answers,
        errors=errors,
        back=f"{form.base}/{(earlier or asked[0]).slug}",
    )
